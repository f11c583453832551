// A picker beside a colour's text field. The field is what is sent; the picker fills it in.
export function colours(): void {
  for (const picker of document.querySelectorAll<HTMLInputElement>("input[type=color][data-picks]")) {
    const field = document.getElementById(picker.dataset["picks"] ?? "");
    if (!(field instanceof HTMLInputElement)) continue;
    picker.hidden = false;
    picker.addEventListener("input", () => {
      field.value = picker.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    field.addEventListener("input", () => {
      const typed = field.value.trim().toLowerCase();
      if (/^#[0-9a-f]{6}$/.test(typed)) picker.value = typed;
    });
  }
}
