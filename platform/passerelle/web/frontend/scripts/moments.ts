// Times are written by the server in UTC; the device shows them in its own zone.
export function moments(root: ParentNode = document): void {
  const { formats, numerals } = document.documentElement.dataset;
  const format = new Intl.DateTimeFormat(`${formats ?? "en"}-u-nu-${numerals ?? "latn"}`, {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-moment]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent ?? "";
    time.textContent = format.format(moment);
    time.removeAttribute("data-moment");
  }
}

/** The time of day now, to the second, in the page's language. */
export function timeNow(): string {
  const { formats, numerals } = document.documentElement.dataset;
  return new Intl.DateTimeFormat(`${formats ?? "en"}-u-nu-${numerals ?? "latn"}`, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(new Date());
}
