// Light or dark, and single-letter keys: choices of this device, kept on it.
import { keep, kept } from "./storage";

const THEME = "passerelle-theme";
const LETTERS = "passerelle-letter-keys";

export function themeChoice(): void {
  for (const group of document.querySelectorAll<HTMLElement>("[data-theme-choice]")) {
    const chosen = kept(THEME) ?? "system";
    for (const radio of group.querySelectorAll<HTMLInputElement>("input")) {
      radio.checked = radio.value === chosen;
      radio.addEventListener("change", () => setTheme(radio.value));
    }
    group.hidden = false;
  }
}

function setTheme(theme: string): void {
  keep(THEME, theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

/** Whether single letters act as keys; a person can switch them off (WCAG 2.1.4). */
export function lettersAct(): boolean {
  return kept(LETTERS) !== "off";
}

export function lettersChoice(): void {
  for (const label of document.querySelectorAll<HTMLElement>("[data-letters-choice]")) {
    const box = label.querySelector<HTMLInputElement>("input");
    if (!box) continue;
    box.checked = lettersAct();
    box.addEventListener("change", () => keep(LETTERS, box.checked ? null : "off"));
    label.hidden = false;
  }
}
