// What holds of every page: its shape, what axe says of it, whether it validates.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { HtmlValidate } from "html-validate";

import { SCHEMES, WIDTHS } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PICTURES = process.env.VANE_SCREENSHOTS;
const PICTURE_HEIGHT_MAX = 6000;
const FOUND_SHOWN_MAX = 20;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// What a narrow window or the other scheme may change.
const RULES_OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"];

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // The standard takes either case.
    "doctype-style": "off",
    // By the standard an input is a line of text and a button submits; bytes are dear.
    "no-implicit-input-type": "off",
    "no-implicit-button-type": "off",
    // A list of models is one name with many values.
    "form-dup-name": "off",
    // A table that scrolls is a box that takes focus, not a section of the text.
    "prefer-native-element": ["error", { exclude: ["region"] }],
  },
});

/** Fails with what was found, each thing once. */
export function none(found) {
  const once = [...new Set(found)];
  assert.equal(once.length, 0, `${once.length} found\n${once.slice(0, FOUND_SHOWN_MAX).join("\n")}`);
}

/** What the validator has against a page. */
export async function invalid(html) {
  const report = await validator.validateString(html);
  const messages = report.results.flatMap((result) => result.messages);
  return messages.map(({ ruleId, line, column, message }) => `${ruleId} ${line}:${column} ${message}`);
}

/** What is wrong with the shape of a page as it stands in its window. */
export function misshapen(page) {
  return page.evaluate(() => {
    const wrong = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
      const inside = (element) => element.closest(".scroll, pre, .unseen, .skip") !== null;
      const wide = [...document.body.querySelectorAll("*")].filter(
        (element) => !inside(element) && element.getBoundingClientRect().right > root.clientWidth + 1,
      );
      const names = wide.map((element) => `${element.tagName}.${element.className}`).slice(0, 5);
      wrong.push(`scrolls sideways: ${root.scrollWidth} in ${root.clientWidth}: ${names.join(" ")}`);
    }
    const heads = document.querySelectorAll("h1").length;
    if (heads !== 1) wrong.push(`${heads} h1`);
    for (const role of ["header", "main", "footer"]) {
      if (document.querySelector(role) === null) wrong.push(`no ${role}`);
    }
    return wrong;
  });
}

/** The serious and critical findings of axe, in both schemes. The page must be open with scripts on. */
export async function inaccessible(page) {
  await page.setViewportSize({ width: WIDTHS.at(-1), height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  const found = await grave(page, { runOnly: TAGS });
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  await page.emulateMedia({ colorScheme: "dark" });
  return [...found, ...(await grave(page, { runOnly: { type: "rule", values: RULES_OF_LOOKS } }))];
}

async function grave(page, options) {
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(AXE);
  return page.evaluate(async (options) => {
    const { violations } = await axe.run(document, { ...options, resultTypes: ["violations"] });
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const at = ({ target, failureSummary }) => `\n  ${target.join(" ")}: ${failureSummary}`;
    return grave.map(({ id, help, nodes }) => `axe ${id}: ${help}${nodes.slice(0, 3).map(at).join("")}`);
  }, options);
}

/** Calls for every width and scheme, and for forced colours, the page not loaded again. */
export async function everyView(page, look) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await look(`${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "dark", forcedColors: "active" });
  await look(`${WIDTHS.at(-1)}-forced`);
  await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
}

/** Keeps a picture of the page where VANE_SCREENSHOTS says, to be looked at. */
export async function picture(page, name) {
  if (!PICTURES) return;
  await mkdir(PICTURES, { recursive: true });
  const { width } = page.viewportSize();
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  const file = path.join(PICTURES, `${name.replaceAll(/[^a-z0-9.-]+/gi, "_")}.png`);
  await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height: Math.min(tall, PICTURE_HEIGHT_MAX) } });
}
