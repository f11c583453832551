// Runs before the page is drawn, so that a dark page never flashes light.
const stored = ((): string | null => {
  try {
    return localStorage.getItem("passerelle-theme");
  } catch {
    return null; // A browser may refuse storage inside a frame.
  }
})();
if (stored === "light" || stored === "dark") document.documentElement.dataset["theme"] = stored;
