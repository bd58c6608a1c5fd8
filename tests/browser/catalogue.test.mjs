// The catalogue by keyboard alone, with scripts off: filter, sort, tick two models, compare.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { faults, launch, open } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { tabTo } from "./stage/keyboard.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const named = (name) => (at) => at.name === name;
const says = (text) => (at) => at.says === text;

test("the catalogue is filtered, sorted and compared by keyboard alone", async () => {
  const { page, context } = await open(browser, { javaScriptEnabled: false });
  const found = await faults(page);
  await page.goto("/models");
  await tabTo(page, says("Skip to content"));
  await page.keyboard.press("Enter");
  for (const field of ["q", "maker", "provider", "can", "context", "price", "ready"]) {
    let tabs = 0;
    await tabTo(page, (at) => (tabs += 1) && at.name === field);
    assert.equal(tabs, 1, `${field} is next`);
  }
  await tabTo(page, named("q"), "Shift+Tab");
  await page.keyboard.type("ministral");
  await Promise.all([page.waitForURL(/q=ministral/), page.keyboard.press("Enter")]);

  await tabTo(page, says("Input"));
  await Promise.all([page.waitForURL(/sort=/), page.keyboard.press("Enter")]);
  assert.match(page.url(), /q=ministral/, "the filter stays");
  const sorted = page.locator("th[aria-sort]");
  assert.deepEqual(await sorted.allInnerTexts(), ["Input"]);
  assert.equal(await sorted.getAttribute("aria-sort"), "ascending");

  const ticked = [];
  for (const _ of [1, 2]) {
    const { says } = await tabTo(page, named("m"));
    await page.keyboard.press("Space");
    ticked.push(says.replace("Compare ", ""));
  }
  assert.equal(await page.locator("input[name=m]:checked").count(), 2);
  await tabTo(page, says("Compare the ticked"));
  await Promise.all([page.waitForURL(/\/compare\?/), page.keyboard.press("Enter")]);
  const columns = await page.locator(".compare thead th > a:first-child").allInnerTexts();
  assert.deepEqual(columns, ticked);
  none(found);
  await context.close();
});
