// A new user: sign up, a first key, a first billed call, its receipt, the key's end.
// On the way every page behind the door is looked at as those before it are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { COST, Fake, HELLO, MODELS, VANE_URL, answer, text } from "../clients/js/stage.mjs";
import { faults, launch, open } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { tabTo } from "./stage/keyboard.mjs";
import { PASSWORD, led, look, press, sum } from "./stage/walk.mjs";

const EMAIL = "ann@example.com";
const CREDIT = 1;
const HOSTILE = "<img src=x onerror=window.pwned=1>";
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

function call(key) {
  const body = JSON.stringify({ model: MODELS.mistral, messages: HELLO });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return fetch(`${VANE_URL}/v1/chat/completions`, { method: "POST", headers, body });
}

test("a new user signs up, makes a key, pays for a call, reads its receipt and ends the key", async () => {
  await new Fake().script(answer(text("Hello")));
  const { page, context } = await open(browser);
  const found = await faults(page);

  await look(page, "signup", await page.goto("/signup"));
  await tabTo(page, (at) => at.name === "email");
  await page.keyboard.type(EMAIL);
  await tabTo(page, (at) => at.name === "password");
  await page.keyboard.type(PASSWORD);
  await look(page, "login", await led(page, () => page.keyboard.press("Enter")));
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(PASSWORD);
  const console = await press(page, "Sign in");
  assert.equal(new URL(page.url()).pathname, "/console");
  await look(page, "console-new", console);
  assert.match(await sum(page, "Balance"), /^\$1(\.0+)?$/);

  await look(page, "keys-none", await led(page, () => page.getByRole("link", { name: "Keys", exact: true }).click()));
  await page.locator("input[name=name]").fill(HOSTILE);
  const made = await press(page, "Make the key");
  const key = (await page.locator("#key").innerText()).trim();
  await look(page, "key-made", made);
  await look(page, "keys", await page.goto("/console/keys"));
  assert.ok(!(await page.content()).includes(key), "a key is shown once");

  const called = await call(key);
  assert.equal(called.status, 200);
  assert.equal((await called.json()).usage.cost, COST.mistral);

  await look(page, "console", await page.goto("/console"));
  assert.equal(await sum(page, "Balance"), `$${(CREDIT - COST.mistral).toFixed(4)}`);
  await look(page, "receipts", await led(page, () => page.getByRole("link", { name: "Receipts", exact: true }).click()));
  await look(page, "receipt", await led(page, () => page.locator("tbody th a").first().click()));
  const receipt = await page.locator("main").innerText();
  assert.ok(receipt.includes(`Charged: $${COST.mistral}`), receipt);
  assert.ok(receipt.includes("1,000") || receipt.includes("1000"), "the tokens that were used are told");

  await page.goto("/console/keys");
  await look(page, "key", await led(page, () => page.locator("tbody th a").first().click()));
  await page.locator("input[name=sure]").check();
  await press(page, "Revoke");
  assert.equal((await call(key)).status, 401);

  await press(page, "Sign out");
  await page.goto("/console");
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.equal(await page.evaluate("window.pwned"), undefined, "s15: a name is inert");
  none(found);
  await context.close();
});
