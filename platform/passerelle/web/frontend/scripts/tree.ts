// A tree of links moved through with the arrow keys (WAI-ARIA authoring practices, navigation
// treeview). Without a script each is a link in a list.
const OPEN = "aria-expanded";

export function trees(): void {
  for (const tree of document.querySelectorAll<HTMLElement>("[role=tree]")) {
    const items = [...tree.querySelectorAll<HTMLAnchorElement>("[role=treeitem]")];
    const chosen = items.find((item) => item.ariaSelected === "true") ?? items[0];
    for (const item of items) item.tabIndex = item === chosen ? 0 : -1;
    tree.addEventListener("keydown", (event) => step(event, items));
    // Whoever opened a branch by a key goes on from there.
    const asked = items.find((item) => `#${item.id}` === location.hash);
    if (asked && asked === chosen) asked.focus({ preventScroll: true });
  }
}

function step(event: KeyboardEvent, items: HTMLAnchorElement[]): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const item = (event.target as Element).closest<HTMLAnchorElement>("[role=treeitem]");
  if (!item) return;
  const at = items.indexOf(item);
  const mirrored = getComputedStyle(item).direction === "rtl";
  const [inwards, outwards] = mirrored ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  const next = (
    {
      ArrowDown: () => items[at + 1],
      ArrowUp: () => items[at - 1],
      Home: () => items[0],
      End: () => items[items.length - 1],
      [inwards]: () => into(item, items[at + 1]),
      [outwards]: () => above(item, items.slice(0, at)),
      " ": () => void item.click(),
    } as Record<string, () => HTMLAnchorElement | undefined | void>
  )[event.key];
  const found = next ? next() : typed(event, [...items.slice(at + 1), ...items.slice(0, at)]);
  if (!next && !found) return;
  event.preventDefault();
  if (!found) return;
  item.tabIndex = -1;
  found.tabIndex = 0;
  found.focus();
}

/** Into an open branch; a shut one is opened by following its link. */
function into(item: HTMLAnchorElement, next: HTMLAnchorElement | undefined): HTMLAnchorElement | undefined {
  if (item.getAttribute(OPEN) === "false") item.click();
  return item.getAttribute(OPEN) === "true" ? next : undefined;
}

function above(item: HTMLAnchorElement, before: HTMLAnchorElement[]): HTMLAnchorElement | undefined {
  return before.findLast((one) => Number(one.ariaLevel) < Number(item.ariaLevel));
}

/** A letter leads to the next name that begins with it. */
function typed(event: KeyboardEvent, items: HTMLAnchorElement[]): HTMLAnchorElement | undefined {
  if ([...event.key].length !== 1) return undefined;
  return items.find((item) => item.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()));
}
