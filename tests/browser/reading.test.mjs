// Every public page at three widths, light, dark and in forced colours, with scripts off.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";

import { faults, launch, open } from "./stage/browser.mjs";
import { everyView, inaccessible, invalid, misshapen, none, picture } from "./stage/checks.mjs";
import { sampled, sitemap } from "./stage/site.mjs";

const AT_ONCE = 2;
// Pages that no sitemap names: of two models, of nothing, of a name that leads nowhere.
const UNLISTED = [
  "/models?q=codestral&sort=input",
  "/models?q=there-is-no-such-model",
  "/compare?m=codestral-latest&m=ministral-8b-latest&in=2000&out=300&cached=50&requests=10000",
];
const ABSENT = ["/models/codestral-lates", "/no-such-page"];
const paths = [...sampled(await sitemap()), ...UNLISTED];

suite("reads well", { concurrency: AT_ONCE }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  for (const path of paths) test(path, () => look(browser, path, 200));
  for (const path of ABSENT) test(path, () => look(browser, path, 404));
});

// Pages of readers that nothing is asked of at present: to open and close them is a third of the work.
const idle = [];

/** A reader's page with scripts off, what went wrong in it, and one with scripts on, which axe needs. */
async function begin(browser, expected) {
  const [plain, scripted] = await Promise.all([open(browser, { javaScriptEnabled: false }), open(browser)]);
  return { plain, scripted, found: await faults(plain.page, { expected }) };
}

async function look(browser, path, status) {
  const isThere = status === 200;
  const reader = (isThere && idle.pop()) || (await begin(browser, isThere ? [] : [status]));
  const { plain, scripted, found } = reader;
  found.length = 0;
  const answered = await plain.page.goto(path);
  assert.equal(answered.status(), status);
  found.push(...(await invalid(await answered.text())));
  await everyView(plain.page, async (name) => {
    const wrong = await misshapen(plain.page);
    found.push(...wrong.map((what) => `${name}: ${what}`));
    await picture(plain.page, `${path}-${name}`);
  });
  await scripted.page.goto(path);
  found.push(...(await inaccessible(scripted.page)));
  none(found);
  if (isThere) idle.push(reader);
}
