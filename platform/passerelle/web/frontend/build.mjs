// Builds what browsers load into static/built, each file with its content's hash in its name, and
// a manifest from the plain name to the built one. Only what the manifest names stays there.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rename, rm, writeFile, copyFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const web = dirname(here);
const out = join(web, "static", "built");
const modules = join(web, "node_modules");

// The scripts we write in, of each family; the packages hold eight more.
const FAMILIES = [
  { package: "ibm-plex-sans", short: "plex", scripts: ["latin", "latin-ext"], weights: [400, 500, 600] },
  { package: "ibm-plex-sans-arabic", short: "plex", scripts: ["arabic"], weights: [400, 500, 600] },
  { package: "ibm-plex-mono", short: "plex-mono", scripts: ["latin"], weights: [400, 500] },
];

/** The families' @font-face rules for our scripts, woff2 alone, and the plain name of each file. */
async function fonts() {
  const rules = [];
  const names = new Map();
  for (const family of FAMILIES) {
    const folder = join(modules, "@fontsource", family.package);
    for (const weight of family.weights) {
      const sheet = await readFile(join(folder, `${weight}.css`), "utf8");
      for (const script of family.scripts) {
        const file = `${family.package}-${script}-${weight}-normal.woff2`;
        const rule = sheet.match(/@font-face\s*{[^}]*}/g)?.find((one) => one.includes(`/${file}`));
        if (!rule) throw new Error(`@fontsource/${family.package} has no ${file}: see FAMILIES in build.mjs.`);
        const path = join(folder, "files", file);
        names.set(relative(web, path), `${family.short}-${script}-${weight}.woff2`);
        rules.push(rule.replace(/src:[^;]*;/, `src: url(${JSON.stringify(path)}) format("woff2");`));
      }
    }
  }
  return { sheet: rules.join("\n"), names };
}

const { sheet, names } = await fonts();
const fontSheet = {
  name: "fonts",
  setup(builder) {
    builder.onResolve({ filter: /^fonts\.css$/ }, () => ({ path: "fonts.css", namespace: "fonts" }));
    builder.onLoad({ filter: /.*/, namespace: "fonts" }, () => ({ contents: sheet, loader: "css", resolveDir: web }));
  },
};

await mkdir(out, { recursive: true });
const result = await build({
  absWorkingDir: web,
  entryPoints: ["frontend/scripts/app.ts", "frontend/scripts/theme.ts", "frontend/styles/app.css", "frontend/images/icon.svg"],
  outdir: out,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "copy" },
  bundle: true,
  minify: true,
  metafile: true,
  format: "iife",
  target: ["chrome123", "firefox120", "safari17.5"],
  legalComments: "linked",
  plugins: [fontSheet],
  logLevel: "warning",
});

const manifest = {};
for (const [path, output] of Object.entries(result.metafile.outputs)) {
  const built = basename(path);
  const source = output.entryPoint ?? Object.keys(output.inputs)[0];
  if (!source || built.endsWith(".LEGAL.txt")) continue;
  const plain = names.get(source) ?? basename(source).replace(/\.ts$/, ".js");
  manifest[plain] = built;
}
// The fonts' licence (OFL) travels with them.
manifest["fonts-licence.txt"] = "fonts-licence.txt";
await copyFile(join(modules, "@fontsource", "ibm-plex-sans", "LICENSE"), join(out, "fonts-licence.txt"));

await writeFile(join(out, "manifest.json.new"), JSON.stringify(manifest, null, 1));
await rename(join(out, "manifest.json.new"), join(out, "manifest.json"));
const kept = new Set(["manifest.json", ...Object.values(manifest), ...Object.values(manifest).map((name) => `${name}.LEGAL.txt`)]);
for (const name of await readdir(out)) if (!kept.has(name)) await rm(join(out, name));
