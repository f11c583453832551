// Saves a form's answer as it is given, and never loses one: what could not be sent is kept on the
// device and sent when the connection is back, in order, newest last.
//
// <form data-autosave="ADDRESS" data-revision="3"> sends PUT {…fields, "revision": 4}; a field is
// an input with data-save="name" (a checkbox is true or false). The answer says what is held:
// {"accepted": …, "revision": …}. What the person reads stands in a [data-saved] of the form, its
// words in data-saving, data-saved-at (with %(time)s) and data-unsent.
import { notice } from "./notices";
import { keep, kept } from "./storage";
import { timeNow } from "./moments";

type Value = string | boolean | null;
type Fields = Record<string, Value>;
type Draft = { fields: Fields; revision: number };
type Held = { accepted?: boolean; revision?: number };

const TYPING_PAUSE_MS = 700;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export function autosave(token: () => string, header: string): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-autosave]")) {
    new Autosave(form, token, header).start();
  }
}

class Autosave {
  private readonly address: string;
  private readonly key: string;
  private revision: number;
  private draft: Draft | null = null;
  private sending: Promise<void> | null = null;
  private retryAfterMs = RETRY_FIRST_MS;
  private timer = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly token: () => string,
    private readonly header: string,
  ) {
    this.address = form.dataset["autosave"] ?? "";
    this.key = `passerelle-unsent:${this.address}`;
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

  private fields(): Fields {
    const fields: Fields = {};
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
    keep(this.key, JSON.stringify(this.draft));
    const plain = this.form.querySelector<HTMLInputElement>("input[name=revision]");
    if (plain) plain.value = String(this.revision);
    this.say(this.form.dataset["saving"]);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.send(), pauseMs);
  }

  /** An answer that never left this device comes back into the form, and is sent. */
  private restore(): void {
    const draft = JSON.parse(kept(this.key) ?? "null") as Draft | null;
    if (!draft) return;
    if (draft.revision <= this.revision) return keep(this.key, null);
    this.revision = draft.revision;
    this.draft = draft;
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
      let answer: Response;
      try {
        answer = await fetch(this.address, {
          method: "PUT",
          headers: { "content-type": "application/json", accept: "application/json", [this.header]: this.token() },
          body: JSON.stringify({ ...sent.fields, revision: sent.revision }),
        });
        if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      } catch {
        this.say(this.form.dataset["unsent"]);
        this.timer = window.setTimeout(() => void this.send(), this.retryAfterMs);
        this.retryAfterMs = Math.min(this.retryAfterMs * 2, RETRY_LONGEST_MS);
        return;
      }
      this.retryAfterMs = RETRY_FIRST_MS;
      await this.answered(answer, sent);
    }
  }

  private async answered(answer: Response, sent: Draft): Promise<void> {
    const held = (await answer.json().catch(() => ({}))) as Held & { title?: string; mend?: string };
    if (!answer.ok) {
      // It will never be taken (its time is over, the session ended): say so, and stop.
      this.say("");
      notice([held.title, held.mend].filter(Boolean).join(". "));
    } else if (held.accepted === false && (held.revision ?? 0) >= sent.revision) {
      // Another window answered later in the count, but this press is the newer act: once more.
      this.revision = Math.max(this.revision, held.revision ?? 0) + 1;
      this.draft = { fields: this.draft?.fields ?? sent.fields, revision: this.revision };
      return;
    } else {
      this.say((this.form.dataset["savedAt"] ?? "%(time)s").replace("%(time)s", timeNow()), true);
    }
    if (this.draft !== sent) return;
    this.draft = null;
    keep(this.key, null);
  }

  /** Leaving the page waits for the answer; without a connection the person stays here. */
  private async submitting(event: SubmitEvent): Promise<void> {
    if (!this.draft && navigator.onLine) return;
    event.preventDefault();
    const submitter = event.submitter as HTMLButtonElement | null;
    await this.send();
    if (this.draft || !navigator.onLine) {
      notice(document.getElementById("notices")?.dataset["offline"]);
      return;
    }
    this.form.requestSubmit(submitter);
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
