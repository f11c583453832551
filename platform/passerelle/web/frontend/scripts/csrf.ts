// The token that proves a request comes from a page of ours.
export const CSRF_HEADER = "x-csrf-token";

export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";
}
