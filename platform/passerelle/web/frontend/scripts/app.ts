import htmx from "htmx.org";
import { autosave } from "./autosave";
import { lettersChoice, themeChoice } from "./choices";
import { colours } from "./colours";
import { CSRF_HEADER, csrfToken } from "./csrf";
import { exam } from "./exam";
import { copying, forms, sendOnce } from "./forms";
import { frame } from "./frame";
import { keys, lists } from "./keys";
import { moments } from "./moments";
import { notices } from "./notices";
import { trees } from "./tree";

// Every request of htmx carries the token, whatever element sent it: set here and not by
// `hx-headers` on the body, whose inheritance changes in htmx 4.
document.addEventListener("htmx:configRequest", (event) => {
  const { headers } = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
  headers[CSRF_HEADER] = csrfToken();
});

htmx.onLoad((element) => {
  moments(element as HTMLElement);
});

document.addEventListener("DOMContentLoaded", () => {
  themeChoice();
  lettersChoice();
  forms();
  copying();
  colours();
  keys();
  lists();
  trees();
  moments();
  notices();
  autosave();
  exam();
  sendOnce();
  frame();
});
