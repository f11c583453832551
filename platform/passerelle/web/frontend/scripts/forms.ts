// Small helps around forms and figures. Each works without a script too, but for copying.
export function forms(): void {
  document.querySelector<HTMLElement>("[data-focus-first]")?.focus();
}

/** A second press on a button that already sends is dropped; the page that answers resets it. */
export function sendOnce(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (event.defaultPrevented || form.method !== "post" || form.matches("[hx-post], [hx-put], [hx-delete]")) return;
    if (form.dataset["sent"]) event.preventDefault();
    else form.dataset["sent"] = "yes";
  });
  // Back to a page that the browser kept: its form may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) delete form.dataset["sent"];
  });
}

export function copying(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset["copy"] ?? "");
      const text = source instanceof HTMLInputElement ? source.value : (source?.textContent ?? "").trim();
      await navigator.clipboard.writeText(text);
      const label = button.querySelector("span");
      const before = label?.textContent ?? "";
      if (!label) return;
      label.textContent = button.dataset["copied"] ?? before;
      setTimeout(() => (label.textContent = before), 3000);
    });
  }
}
