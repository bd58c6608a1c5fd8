// The first run of a server that nobody has set up: from the link that its start prints to the page that
// turns live with the first call, which is the one that the page says to paste.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answer, text } from "../clients/js/stage.mjs";
import { faults, launch, open } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { PASSWORD, fill, follow, led, look, pasted, press } from "./stage/walk.mjs";

const { FIRST_URL, FIRST_FAKE_URL, FIRST_LINK, FIRST_PROVIDER_KEY } = process.env;
const EMAIL = "op@example.com";
let browser;

before(async () => {
  browser = await launch();
  const script = { rules: [{ answer: answer(text("Good day.")) }] };
  await fetch(`${FIRST_FAKE_URL}/__script`, { method: "POST", body: JSON.stringify(script) });
});
after(() => browser?.close());

/** A page that does not look again by itself, so that it can be looked at. */
async function still(page, act) {
  const stop = async (route) => {
    const response = await route.fetch();
    const { refresh, ...headers } = response.headers();
    assert.ok(refresh);
    await route.fulfill({ response, headers });
  };
  await page.route("**/setup/live", stop);
  const answered = await act();
  await page.unroute("**/setup/live", stop);
  return answered;
}

test("the printed link leads to an operator, a provider's key, a first key and the first call", async () => {
  const { page, context } = await open(browser, { baseURL: FIRST_URL });
  const found = await faults(page, { expected: [422, 403], origin: FIRST_URL });

  await look(page, "login-new-server", await page.goto("/login"));
  assert.match(await page.locator("main").innerText(), /Nobody has set this server up yet/);
  await look(page, "playground-nothing", await page.goto("/playground"));
  assert.match(await page.locator("main").innerText(), /No model answers here yet/);

  const opened = await page.goto(FIRST_LINK);
  assert.equal(page.url(), `${FIRST_URL}/setup`, "the token leaves the address bar");
  await look(page, "setup", opened);
  await fill(page, { email: EMAIL, password: PASSWORD });
  await look(page, "setup-provider", await press(page, "Go on"));
  assert.equal(new URL(page.url()).pathname, "/setup/provider");

  await page.locator("select[name=provider]").selectOption({ label: "Mistral AI" });
  await fill(page, { key: "not-the-key" });
  const refused = await press(page, "Test and keep");
  assert.equal(refused.status(), 422);
  assert.match(await page.locator("[role=alert]").innerText(), /refuses this key/);
  assert.ok(!(await page.content()).includes("not-the-key"));
  await look(page, "setup-provider-refused", refused);
  await fill(page, { key: FIRST_PROVIDER_KEY });
  await look(page, "setup-key", await press(page, "Test and keep"));
  assert.equal(new URL(page.url()).pathname, "/setup/key");

  await look(page, "setup-key-made", await press(page, "Make a key"));
  const [tab] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Watch for the call" }).click()]);
  await tab.waitForLoadState();
  assert.equal(await tab.locator("h1").innerText(), "Waiting for the first call");
  await look(tab, "setup-live-waiting", await still(tab, () => tab.goto("/setup/live")));
  await tab.goto("/setup/live");
  const said = JSON.parse(await pasted(await page.locator("pre").last().innerText()));
  assert.equal(said.choices[0].message.content, "Good day.");
  await tab.locator("h1", { hasText: "It works" }).waitFor();
  assert.match(await tab.locator("[role=status]").innerText(), /mistral-small-latest answered, and the call was charged \$0\.\d+/);
  await look(tab, "setup-live", await tab.goto("/setup/live"));
  await look(tab, "setup-receipt", await led(tab, () => tab.getByRole("link", { name: "Its receipt, line by line" }).click()));

  await look(page, "console-operator", await page.goto("/console"));

  await look(page, "providers", await follow(page, "Providers"));
  const row = page.locator("tbody tr").filter({ hasText: "Mistral AI" });
  assert.match(await row.innerText(), /kept here since/);
  await row.locator("input[name=sure]").check();
  await press(page, "Take it away: the key of Mistral AI");
  await look(page, "providers-none", await page.goto("/admin/providers"));
  await look(page, "playground-operator-nothing", await page.goto("/playground"));
  await follow(page, "Give a provider's key");
  await page.locator("select[name=provider]").selectOption({ label: "Mistral AI" });
  await fill(page, { key: FIRST_PROVIDER_KEY });
  await press(page, "Test and keep");
  assert.match(await row.innerText(), /kept here since/);
  await look(page, "playground-operator", await page.goto("/playground"));
  const again = await page.goto(FIRST_LINK);
  assert.equal(again.status(), 403, "the link was used");
  none(found);
  await context.close();
});
