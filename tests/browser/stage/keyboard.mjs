// A reader without a mouse. Invariant: wherever the focus comes to stand, it can be seen.

import assert from "node:assert/strict";

const TABS_MAX = 400;

/** What has the focus: its role in the page, and whether a person can see that it has it. */
export function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText ?? "";
    return {
      tag: element.tagName.toLowerCase(),
      name: element.getAttribute("name") ?? "",
      says: label.trim(),
      isOutlined: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2,
      isInView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
  });
}

/** Presses Tab until the focus is where it should be; every stop on the way must be visible. */
export async function tabTo(page, isThere, key = "Tab") {
  const seen = [];
  for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
    await page.keyboard.press(key);
    const at = await focused(page);
    if (at.tag === "body") break;
    assert.ok(at.isOutlined && at.isInView, `focus cannot be seen: ${JSON.stringify(at)}`);
    if (isThere(at)) return at;
    seen.push(at.name || at.says);
  }
  assert.fail(`the focus never came there, but to: ${seen.join(" | ")}`);
}
