// What only who runs the server does: keeping a run as an example, and letting somebody in who forgot a
// password. Every page on the way is looked at.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Fake, answer, text } from "../clients/js/stage.mjs";
import { faults, launch, open } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { PASSWORD, cells, fill, follow, join, look, operate, press, signIn } from "./stage/walk.mjs";

const ANOTHER = "quite another pass phrase";
const TITLE = "A sum <b>in two words</b>";
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("a run is kept as an example, stands on its model's page, is opened and dropped", async () => {
  await new Fake().script(answer(text("Two words.")));
  const { page, context } = await open(browser);
  const found = await faults(page);
  await operate(page);
  await page.goto("/playground?model=lab-free");
  await page.locator("textarea[name=prompt]").fill("Say it in two words");
  await page.keyboard.press("Control+Enter");
  await page.locator("#keep:not([hidden])").waitFor();
  await page.locator("#log[aria-busy=false]").waitFor();
  await fill(page, { title: TITLE });
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.locator("#keep [role=status]").waitFor();

  await look(page, "examples", await page.goto("/admin/examples"));
  const [[title, model]] = await cells(page);
  assert.deepEqual([title, model], [TITLE, "lab-free"]);
  await look(page, "example-on-its-model", await follow(page, "lab-free"));
  const example = page.locator("article.example").filter({ hasText: "Two words." });
  assert.equal(await example.locator("b").count(), 0, "s15: a title is text");
  await look(page, "example-opened", await follow(page, "Open this example"));
  assert.equal(await page.locator("textarea[name=prompt]").inputValue(), "Say it in two words");
  await page.goto("/admin/examples");
  await press(page, `Drop ${TITLE}`);
  assert.match(await page.locator("main").innerText(), /There are none yet/);
  await look(page, "examples-none", await page.goto("/admin/examples"));
  none(found);
  await context.close();
});

test("who forgot a password sets another by a link, which is good once, and is signed out elsewhere", async () => {
  const hal = await open(browser);
  await join(hal.page, "hal@example.com");
  const { page, context } = await open(browser);
  const found = await faults(page, { expected: [400, 403] });
  await operate(page);
  await page.goto("/admin/people");
  await fill(page, { email: "nobody@example.com" });
  await look(page, "people-refused", await press(page, "Make a link"));
  await page.locator("[role=alert]").waitFor();
  await fill(page, { email: "hal@example.com" });
  await look(page, "people-link", await press(page, "Make a link"));
  const link = (await page.locator("pre").innerText()).trim();
  await look(page, "people", await page.goto("/admin/people"));
  assert.ok(!(await page.content()).includes("/recover?token="), "a link is shown once");

  const anew = await open(browser);
  const seen = await faults(anew.page, { expected: [403, 422] });
  const opened = await anew.page.goto(link);
  assert.equal(new URL(anew.page.url()).pathname, "/recover", "the token leaves the address bar");
  await look(anew.page, "recover", opened);
  await fill(anew.page, { password: ANOTHER });
  await press(anew.page, "Set it");
  assert.equal(new URL(anew.page.url()).pathname, "/console");
  await hal.page.goto("/console");
  assert.equal(new URL(hal.page.url()).pathname, "/login", "signed out elsewhere");
  const former = await signIn(hal.page, "hal@example.com");
  assert.equal(former.status(), 403, "the former password is over");
  const late = await open(browser);
  await look(late.page, "recover-over", await late.page.goto(link));
  assert.equal(await late.page.locator("input[name=password]").count(), 0, "the link was used");

  await look(anew.page, "settings", await anew.page.goto("/console/settings"));
  await fill(anew.page, { former: ANOTHER, password: PASSWORD });
  await look(anew.page, "settings-changed", await press(anew.page, "Change it"));
  await signIn(hal.page, "hal@example.com");
  assert.equal(new URL(hal.page.url()).pathname, "/console");
  none([...found, ...seen]);
  for (const one of [context, hal.context, anew.context, late.context]) await one.close();
});
