// The exam's clock, in minutes and hideable; what earlier questions could not send; and a finish
// that waits for it. Nothing moves by itself: when the time is over the page says so, with a link.
import { sendLeftovers } from "./drafts";
import { notice } from "./notices";
import { keep, kept } from "./storage";

const HIDDEN = "passerelle-clock-hidden";
const ANNOUNCED_MINUTES = [10, 5, 1];
const LEFTOVER_PREFIX = "passerelle-unsent:";

export function exam(): void {
  const clock = document.querySelector<HTMLElement>("[data-exam-clock]");
  if (!clock) return;
  const beginning = (clock.dataset["unsentPrefix"] ?? "").replace(LEFTOVER_PREFIX, "");
  const own = [...document.querySelectorAll<HTMLElement>("[data-autosave]")].map((one) => one.dataset["autosave"] ?? "");
  void sendLeftovers(beginning, own);
  window.addEventListener("online", () => void sendLeftovers(beginning, own));
  finishing(beginning);
  hiding(clock);
  ticking(clock);
}

function finishing(beginning: string): void {
  const form = document.querySelector<HTMLFormElement>("form[data-exam-finish]");
  let sure = false;
  form?.addEventListener("submit", async (event) => {
    if (sure) return;
    event.preventDefault();
    const submitter = event.submitter as HTMLButtonElement | null;
    sure = (await sendLeftovers(beginning)) && navigator.onLine;
    // In a task of its own: while a submit event is being fired, another is not taken.
    if (sure) setTimeout(() => form.requestSubmit(submitter));
    else notice(document.getElementById("notices")?.dataset["offline"]);
  });
}

function hiding(clock: HTMLElement): void {
  const button = clock.querySelector<HTMLButtonElement>("button[data-hide]");
  const shown = clock.querySelector<HTMLElement>("[data-minutes]");
  if (!button || !shown) return;
  const show = (visible: boolean): void => {
    shown.hidden = !visible;
    button.ariaExpanded = String(visible);
    button.textContent = (visible ? button.dataset["hide"] : button.dataset["show"]) ?? "";
  };
  button.hidden = false;
  show(kept(HIDDEN) !== "yes");
  button.addEventListener("click", () => {
    const visible = shown.hidden !== false;
    keep(HIDDEN, visible ? null : "yes");
    show(visible);
  });
}

function ticking(clock: HTMLElement): void {
  const shown = clock.querySelector<HTMLElement>("[data-minutes]");
  const announce = clock.querySelector<HTMLElement>("[data-announce]");
  const endsAt = performance.now() + Number(clock.dataset["secondsLeft"] ?? 0) * 1000;
  let last = -1;
  const tick = (): void => {
    const secondsLeft = Math.max(0, (endsAt - performance.now()) / 1000);
    const minutes = Math.ceil(secondsLeft / 60);
    if (minutes !== last) {
      // Arabic shortens the minute to a letter that few would know.
      const text = inMinutes(minutes, document.documentElement.lang === "ar" ? "long" : "short");
      if (shown && last >= 0) shown.textContent = text;
      if (announce && last >= 0 && ANNOUNCED_MINUTES.includes(minutes)) {
        announce.textContent = (clock.dataset["soon"] ?? "").replace("%(time)s", inMinutes(minutes, "long"));
      }
      last = minutes;
    }
    if (secondsLeft > 0) return;
    clearInterval(timer);
    over(clock);
  };
  const timer = window.setInterval(tick, 1000);
  tick();
}

function over(clock: HTMLElement): void {
  notice(clock.dataset["over"]);
  if (!clock.dataset["result"]) return;
  const link = document.createElement("a");
  link.href = clock.dataset["result"];
  link.textContent = clock.dataset["resultText"] ?? link.href;
  document.querySelector(".notice p")?.append(" ", link);
}

function inMinutes(minutes: number, unitDisplay: "short" | "long"): string {
  const { formats, numerals } = document.documentElement.dataset;
  return new Intl.NumberFormat(`${formats ?? "en"}-u-nu-${numerals ?? "latn"}`, {
    style: "unit",
    unit: "minute",
    unitDisplay,
  }).format(minutes);
}
