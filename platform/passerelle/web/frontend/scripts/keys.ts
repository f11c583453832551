// J and K move in a list, letters choose an answer. Never while someone types, never with a
// modifier, and not at all for who switched them off.
import { lettersAct } from "./choices";

const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";

export function keys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!lettersAct() || !(event.target instanceof Element) || event.target.matches(TYPING)) return;
    // What the key types (AZERTY has its A elsewhere); on a keyboard of another script, its place.
    const typed = event.key.toUpperCase();
    const letter = /^[\x20-\x7e]$/.test(typed) ? typed : event.code.replace(/^Key/, "");
    if (letter === "J" || letter === "K") move(letter === "J" ? 1 : -1, event);
    choose(typed, letter, event);
  });
}

/** A link of a list that shows its figure beside it becomes the current one. */
export function lists(): void {
  document.addEventListener("htmx:afterSwap", (event) => {
    const { elt, requestConfig } = (event as CustomEvent<{ elt: Element; requestConfig: { elt: Element } }>).detail;
    const link = requestConfig.elt.closest("[data-keys=list] a");
    if (!link) return;
    for (const other of document.querySelectorAll("[data-keys=list] a[aria-current]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    // On a narrow screen the figure stands below the list.
    if (elt.getBoundingClientRect().top > innerHeight * 0.8) elt.scrollIntoView();
  });
}

function move(step: number, event: Event): void {
  const list = document.querySelector("[data-keys=list]");
  const links = [...(list?.querySelectorAll<HTMLElement>("a[href]") ?? [])];
  if (links.length === 0) return;
  const focused = links.indexOf(document.activeElement as HTMLElement);
  const current = focused >= 0 ? focused : links.findIndex((link) => link.ariaCurrent !== null);
  const next = links[Math.min(Math.max(current + step, 0), links.length - 1)];
  next?.focus();
  event.preventDefault();
}

function choose(typed: string, letter: string, event: Event): void {
  const radios = [...document.querySelectorAll<HTMLInputElement>(".answer input[data-letter]")];
  const named = (radio: HTMLInputElement): boolean => radio.dataset["keys"]?.toUpperCase().includes(typed) ?? false;
  const radio = radios.find(named) ?? radios.find((one) => one.dataset["letter"]?.toUpperCase() === letter);
  if (!radio || radio.disabled) return;
  radio.focus();
  if (!radio.checked) radio.click();
  event.preventDefault();
}
