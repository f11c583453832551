// Questions to a page, asked by tests/browser.py. Each returns what is wrong, in words.
({
  // Text cut off by its own box, and boxes that reach out of the window.
  clipped() {
    const hidden = ".visually-hidden, .skip, [hidden], [popover]:not(:popover-open), option, thead";
    const named = (one) => `<${one.tagName.toLowerCase()} class="${one.getAttribute("class")}">`;
    const scrolls = (one) => one !== null && (/auto|scroll/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
    const width = document.documentElement.clientWidth;
    const whole = document.documentElement.scrollWidth;
    const found = whole > width + 1 ? [`the page scrolls sideways: ${whole} > ${width}`] : [];
    for (const one of document.body.querySelectorAll("*")) {
      const style = getComputedStyle(one);
      const box = one.getBoundingClientRect();
      if (one.closest(hidden) || !one.checkVisibility() || box.width === 0 || box.height === 0) continue;
      const text = (one.textContent ?? "").trim().slice(0, 40);
      if ((box.left < -1 || box.right > width + 1) && !scrolls(one)) found.push(`${named(one)} leaves the window: ${text}`);
      const hides = style.overflowX === "hidden" || style.overflowY === "hidden";
      const cut = one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1;
      if (hides && text && cut) found.push(`${named(one)} cuts its text: ${text}`);
    }
    return found;
  },

  // Controls smaller than a fingertip, 44 px; links inside a sentence are exempt (WCAG 2.5.8).
  small() {
    const controls =
      "button, summary, select, textarea, input:not([type=hidden], [type=radio], [type=checkbox]), " +
      "nav a, a.button, .ranked a, .planks a, label.choice, label.answer, .segments label";
    return [...document.querySelectorAll(controls)]
      .filter((one) => one.checkVisibility() && !one.closest(".crumbs"))
      .filter((one) => one.getBoundingClientRect().height < 43.5)
      .map((one) => `${Math.round(one.getBoundingClientRect().height)} px high: ${one.outerHTML.slice(0, 90)}`);
  },
});
