// Saves a form's answer as it is given, and never loses one: what could not be sent is kept on the
// device and sent when the connection is back.
//
// <form data-autosave="ADDRESS" data-revision="3"> sends PUT {…fields, "revision": 4}; a field is
// an input with data-save="name" (a checkbox is true or false). The answer says what is held:
// {"accepted": …, "revision": …}. What the person reads stands in a [data-saved] of the form, its
// words in data-saving, data-saved-at (with %(time)s) and data-unsent.
import { type Draft, type Outcome, keepDraft, keptDraft, put } from "./drafts";
import { timeNow } from "./moments";
import { notice } from "./notices";

const TYPING_PAUSE_MS = 700;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export function autosave(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-autosave]")) new Autosave(form).start();
}

class Autosave {
  private readonly address: string;
  private revision: number;
  private draft: Draft | null = null;
  private sending: Promise<void> | null = null;
  private retryAfterMs = RETRY_FIRST_MS;
  private timer = 0;

  constructor(private readonly form: HTMLFormElement) {
    this.address = form.dataset["autosave"] ?? "";
    this.revision = Number(form.dataset["revision"] ?? 0);
  }

  start(): void {
    this.form.addEventListener("change", () => this.changed(0));
    this.form.addEventListener("input", (event) => {
      if ((event.target as Element).matches("textarea, input[type=text]")) this.changed(TYPING_PAUSE_MS);
    });
    this.form.addEventListener("submit", (event) => void this.submitting(event));
    window.addEventListener("online", () => void this.send());
    window.addEventListener("beforeunload", (event) => {
      if (this.draft) event.preventDefault();
    });
    this.restore();
  }

  private inputs(): HTMLInputElement[] {
    return [...this.form.querySelectorAll<HTMLInputElement>("[data-save]")];
  }

  private fields(): Draft["fields"] {
    const fields: Draft["fields"] = {};
    for (const input of this.inputs()) {
      const name = input.dataset["save"] ?? input.name;
      if (input.type === "checkbox") fields[name] = input.checked;
      else if (input.type !== "radio") fields[name] = input.value;
      else if (input.checked) fields[name] = input.value;
      else fields[name] ??= null;
    }
    return fields;
  }

  private changed(pauseMs: number): void {
    this.revision += 1;
    this.draft = { fields: this.fields(), revision: this.revision };
    keepDraft(this.address, this.draft);
    this.tellRevision();
    this.say(this.form.dataset["saving"]);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.send(), pauseMs);
  }

  /** The plain form sends the revision too, so that both ways are in one order. */
  private tellRevision(): void {
    const plain = this.form.querySelector<HTMLInputElement>("input[name=revision]");
    if (plain) plain.value = String(this.revision);
  }

  /** An answer that never left this device comes back into the form, and is sent. */
  private restore(): void {
    const draft = keptDraft(this.address);
    if (!draft) return;
    if (draft.revision <= this.revision) return keepDraft(this.address, null);
    this.revision = draft.revision;
    this.draft = draft;
    this.tellRevision();
    for (const input of this.inputs()) {
      const value = draft.fields[input.dataset["save"] ?? input.name];
      if (input.type === "checkbox") input.checked = value === true;
      else if (input.type === "radio") input.checked = input.value === value;
      else if (typeof value === "string") input.value = value;
    }
    void this.send();
  }

  private send(): Promise<void> {
    this.sending ??= this.deliver().finally(() => (this.sending = null));
    return this.sending;
  }

  private async deliver(): Promise<void> {
    while (this.draft) {
      clearTimeout(this.timer);
      const sent = this.draft;
      const outcome = await put(this.address, sent);
      if (outcome.kind === "unreached") {
        this.say(this.form.dataset["unsent"]);
        this.timer = window.setTimeout(() => void this.send(), this.retryAfterMs);
        this.retryAfterMs = Math.min(this.retryAfterMs * 2, RETRY_LONGEST_MS);
        return;
      }
      this.retryAfterMs = RETRY_FIRST_MS;
      this.answered(outcome, sent);
    }
  }

  private answered(outcome: Exclude<Outcome, { kind: "unreached" }>, sent: Draft): void {
    if (outcome.kind === "refused") {
      // It will never be taken (its time is over, the session ended): say so, and stop.
      this.say("");
      notice([outcome.title, outcome.mend].filter(Boolean).join(". "));
    } else if (outcome.held.accepted === false && (outcome.held.revision ?? 0) >= sent.revision) {
      // Another window got further in the count, but this press is the newer act: once more.
      this.revision = Math.max(this.revision, outcome.held.revision ?? 0) + 1;
      this.draft = { fields: this.draft?.fields ?? sent.fields, revision: this.revision };
      this.tellRevision();
      return;
    } else {
      this.say((this.form.dataset["savedAt"] ?? "%(time)s").replace("%(time)s", timeNow()), true);
    }
    if (this.draft !== sent) return;
    this.draft = null;
    keepDraft(this.address, null);
  }

  /** Leaving the page waits for the answer; without a connection the person stays here. */
  private async submitting(event: SubmitEvent): Promise<void> {
    if (!this.draft && navigator.onLine) return;
    event.preventDefault();
    const submitter = event.submitter as HTMLButtonElement | null;
    await this.send();
    if (this.draft || !navigator.onLine) notice(document.getElementById("notices")?.dataset["offline"]);
    else this.form.requestSubmit(submitter);
  }

  private say(text: string | undefined, saved = false): void {
    const place = this.form.querySelector("[data-saved]") ?? document.querySelector("[data-saved]");
    if (!place) return;
    const tag = document.createElement("span");
    tag.className = saved ? "tag tag-proven" : "tag";
    tag.textContent = text ?? "";
    place.replaceChildren(...(text ? [tag] : []));
  }
}
