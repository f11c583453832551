// What went wrong between the page and us, said in the page's live region.
const place = (): HTMLElement | null => document.getElementById("notices");

export function notice(text: string | undefined): void {
  const region = place();
  if (!region || !text) return;
  const note = document.createElement("div");
  const words = document.createElement("p");
  const close = document.createElement("button");
  note.className = "notice";
  words.textContent = text;
  close.type = "button";
  close.className = "button";
  close.textContent = region.dataset["close"] ?? "×";
  close.addEventListener("click", () => note.remove());
  note.append(words, close);
  region.replaceChildren(note);
}

export function notices(): void {
  const words = place()?.dataset;
  window.addEventListener("offline", () => notice(words?.["offline"]));
  window.addEventListener("online", () => notice(words?.["online"]));
  document.addEventListener("htmx:sendError", () => notice(words?.["offline"]));
  document.addEventListener("htmx:responseError", (event) => {
    const answer = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr;
    notice(titleOf(answer) ?? words?.["failed"]);
  });
}

/** The heading of the problem that the server answered with, in the person's language. */
function titleOf(answer: XMLHttpRequest): string | undefined {
  const parsed = new DOMParser().parseFromString(answer.responseText, "text/html");
  const parts = [...parsed.querySelectorAll(".problem h1, .problem h1 ~ p:not(.quiet)")];
  return parts.length > 0 ? parts.map((part) => (part.textContent ?? "").trim().replace(/[.。]$/, "")).join(". ") + "." : undefined;
}
