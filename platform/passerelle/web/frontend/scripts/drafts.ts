// Answers on their way to the server. One that has not arrived stays on the device under its
// address, and is sent by whichever page comes next.
import { CSRF_HEADER, csrfToken } from "./csrf";
import { keep, kept } from "./storage";

export type Value = string | boolean | null;
export type Draft = { fields: Record<string, Value>; revision: number };
export type Held = { accepted?: boolean; revision?: number };
export type Outcome =
  | { kind: "held"; held: Held }
  | { kind: "refused"; title?: string; mend?: string }
  | { kind: "unreached" };

const PREFIX = "passerelle-unsent:";

export function keepDraft(address: string, draft: Draft | null): void {
  keep(PREFIX + address, draft && JSON.stringify(draft));
}

export function keptDraft(address: string): Draft | null {
  try {
    return JSON.parse(kept(PREFIX + address) ?? "null") as Draft | null;
  } catch {
    return null;
  }
}

/** Sends a draft once. `unreached` (no connection, or a server that is not well) may be repeated. */
export async function put(address: string, draft: Draft): Promise<Outcome> {
  let answer: Response;
  try {
    answer = await fetch(address, {
      method: "PUT",
      headers: { "content-type": "application/json", accept: "application/json", [CSRF_HEADER]: csrfToken() },
      body: JSON.stringify({ ...draft.fields, revision: draft.revision }),
    });
  } catch {
    return { kind: "unreached" };
  }
  if (answer.status >= 500 || answer.status === 429) return { kind: "unreached" };
  const content: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) return { ...(content as { title?: string; mend?: string }), kind: "refused" };
  return { kind: "held", held: content as Held };
}

/** Sends what earlier pages could not, for addresses that begin so; true if nothing is left. */
export async function sendLeftovers(beginning: string, except: string[] = []): Promise<boolean> {
  let all = true;
  for (const address of addresses(beginning)) {
    const draft = except.includes(address) ? null : keptDraft(address);
    if (!draft) continue;
    const { kind } = await put(address, draft);
    if (kind === "unreached") all = false;
    else keepDraft(address, null);
  }
  return all;
}

function addresses(beginning: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + beginning))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}
