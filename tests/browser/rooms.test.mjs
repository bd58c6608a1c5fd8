// The rooms behind the door: what an account's money came from, topping it up, the operator's accounts, and
// the way from signing in to a key's end by keyboard alone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { COST, Fake, HELLO, MODELS, VANE_URL, answer, text } from "../clients/js/stage.mjs";
import { faults, launch, open } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { tabTo } from "./stage/keyboard.mjs";
import { OPERATOR, PASSWORD, cells, fill, follow, join, led, look, operate, press, signIn, sum } from "./stage/walk.mjs";

const { PAYER_URL } = process.env;
let browser;

before(async () => {
  browser = await launch();
  const { page, context } = await open(browser);
  await operate(page);
  await context.close();
});
after(() => browser?.close());

/** A call that is paid for, with a key of the page's visitor. */
async function paid(page) {
  await new Fake().script(answer(text("Hello")));
  await page.goto("/console/keys");
  await fill(page, { name: "paying" });
  await press(page, "Make the key");
  const key = (await page.locator("#key").innerText()).trim();
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const called = await fetch(`${VANE_URL}/v1/chat/completions`, { method: "POST", headers, body: JSON.stringify({ model: MODELS.mistral, messages: HELLO }) });
  assert.equal(called.status, 200);
  await called.text();
}

test("credits tell what made the balance, are topped up, and leave as a file", async () => {
  const { page, context } = await open(browser, { acceptDownloads: true });
  const found = await faults(page, { expected: [400, 422] });
  await join(page, "cleo@example.com");
  await look(page, "credits-new", await follow(page, "Credits"));
  assert.match(await sum(page, "Balance"), /^\$1(\.0+)?$/);
  await paid(page);
  await page.goto("/console/credits");
  const [call, gift] = await cells(page);
  assert.equal(call[1], MODELS.mistral);
  assert.ok(call[2].endsWith(String(COST.mistral)), call[2]);
  assert.match(gift[1], /sign.up/i);

  await fill(page, { amount: "0.01" });
  const refused = await press(page, "Go on to pay");
  assert.ok(refused.status() >= 400);
  await page.locator("[role=alert]").waitFor();
  await look(page, "credits-refused", refused);
  await fill(page, { amount: "25" });
  const begun = await press(page, "Go on to pay");
  await look(page, "credits-begun", begun);
  const pay = page.getByRole("link", { name: "Pay it" });
  assert.match(await pay.getAttribute("href"), /^https:\/\/checkout\.stripe\.com\//);

  const now = Math.floor(Date.now() / 1000);
  const delivered = await fetch(`${PAYER_URL}/pay?to=${new URL(VANE_URL).host}&at=${now}`, { method: "POST" });
  assert.equal(await delivered.text(), "200");
  await look(page, "credits-paid", await page.goto("/console/credits"));
  assert.equal(await sum(page, "Balance"), "$26.00", "to the cent");
  const shown = await cells(page);
  assert.deepEqual(shown[0].slice(2), ["$25", `$${26 - COST.mistral}`], "and to the digit");

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "As CSV" }).click()]);
  assert.equal(download.suggestedFilename(), "credits.csv");
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
  assert.equal(lines[0], "time,kind,amount_usd,balance_usd,receipt,model,reason");
  assert.equal(lines.length, shown.length + 1);
  const file = lines.slice(1).map((line) => line.split(","));
  assert.deepEqual(file.map((row) => row[0]), shown.map((row) => row[0]));
  assert.deepEqual(file.map((row) => row[2]), shown.map((row) => row[2].replace("\u2212", "-").replace("$", "")));
  none(found);
  await context.close();
});

test("a member is invited and joins by the link, which is good once", async () => {
  const owner = await open(browser);
  const found = await faults(owner.page, { expected: [403] });
  await signIn(owner.page, OPERATOR);
  await look(owner.page, "members", await follow(owner.page, "Members"));
  await fill(owner.page, { email: "mia@example.com" });
  await owner.page.locator("select[name=role]").selectOption("viewer");
  await look(owner.page, "members-invited", await press(owner.page, "Make a link"));
  const link = (await owner.page.locator("pre").innerText()).trim();

  const member = await open(browser);
  const seen = await faults(member.page, { expected: [403] });
  const invited = await member.page.goto(link);
  assert.equal(member.page.url(), `${VANE_URL}/signup`, "the token leaves the address bar");
  await look(member.page, "signup-invited", invited);
  await fill(member.page, { password: PASSWORD });
  await press(member.page, "Join");
  await look(member.page, "members-of-viewer", await follow(member.page, "Members"));
  assert.equal(await member.page.locator("select[name=role]").count(), 0, "a viewer invites nobody");
  await look(member.page, "keys-of-viewer", await member.page.goto("/console/keys"));
  assert.equal(await member.page.getByRole("button", { name: "Make the key" }).count(), 0);

  await look(owner.page, "members-joined", await owner.page.goto("/console/members"));
  assert.deepEqual((await cells(owner.page)).find(([email]) => email === "mia@example.com").slice(0, 2), ["mia@example.com", "viewer"]);
  await look(owner.page, "member", await follow(owner.page, "mia@example.com"));
  await owner.page.locator("select[name=role]").selectOption("member");
  await press(owner.page, "Change the role");
  assert.match(await owner.page.locator(".facts").innerText(), /Role\s+member/);
  await member.page.goto("/console/keys");
  assert.equal(await member.page.getByRole("button", { name: "Make the key" }).count(), 1, "the role holds at once");
  await look(member.page, "member-of-member", await member.page.goto(new URL(owner.page.url()).pathname));
  assert.equal(await member.page.getByRole("button", { name: "Change the role" }).count(), 0);
  await owner.page.locator("input[name=sure]").check();
  await press(owner.page, "End the membership");
  assert.ok(!(await cells(owner.page)).some(([email]) => email === "mia@example.com"));
  assert.equal((await member.page.goto("/console")).status(), 403, "who is no member sees nothing");
  await look(owner.page, "member-last-owner", await follow(owner.page, OPERATOR));
  assert.equal(await owner.page.getByRole("button", { name: "Change the role" }).count(), 0, "the last owner stays");
  const late = await open(browser);
  await late.page.goto(link);
  assert.equal(await late.page.locator("h1").innerText(), "Sign up", "the link was used");
  none([...found, ...seen]);
  await owner.context.close();
  await member.context.close();
  await late.context.close();
});

test("an operator gives credit to an account, and nobody else comes there", async () => {
  const { page, context } = await open(browser);
  const found = await faults(page, { expected: [403, 404, 422] });
  await join(page, "gil@example.com");
  const account = (await page.locator("h1").innerText()).trim();
  const shut = await page.goto("/admin/accounts");
  assert.equal(shut.status(), 403);
  await look(page, "accounts-shut", shut);
  await page.goto("/console");
  await press(page, "Sign out");

  await signIn(page, OPERATOR);
  await look(page, "accounts", await follow(page, "Accounts"));
  await fill(page, { account: "nobody-has-this", amount: "2.50", reason: "a gift" });
  const refused = await press(page, "Give it");
  assert.match(await page.locator("[role=alert]").innerText(), /nobody-has-this/);
  await look(page, "accounts-refused", refused);
  assert.equal(await page.locator("input[name=amount]").inputValue(), "2.50", "what was typed stands there again");
  await fill(page, { account });
  await press(page, "Give it");
  const row = (await cells(page)).find(([name]) => name === account);
  assert.deepEqual(row, [account, "prepaid", "$3.5000"]);
  none(found);
  await context.close();
});

test("the console's way from signing in to the end of a key is walked by keyboard alone", async () => {
  const { page, context } = await open(browser);
  const found = await faults(page);
  const named = (name) => (at) => at.name === name;
  const says = (words) => (at) => at.says === words;
  const enter = () => led(page, () => page.keyboard.press("Enter"));
  const type = async (name, words) => {
    await tabTo(page, named(name));
    await page.keyboard.type(words);
  };

  await page.goto("/login");
  await type("email", OPERATOR);
  await type("password", PASSWORD);
  await enter();
  assert.equal(new URL(page.url()).pathname, "/console");
  await tabTo(page, says("Keys"));
  await enter();
  await type("name", "by keyboard");
  await type("budget", "5");
  await tabTo(page, named("period"));
  await page.keyboard.press("ArrowUp");
  await tabTo(page, says("Make the key"));
  await enter();
  assert.match(await page.locator("#key").innerText(), /^sk-vane-/);
  await tabTo(page, says("All keys"));
  await enter();
  await tabTo(page, says("by keyboard"));
  await enter();
  assert.ok((await page.locator(".facts").innerText()).includes("$5 a week"));
  await tabTo(page, named("sure"));
  await page.keyboard.press("Space");
  await tabTo(page, says("Revoke"));
  await enter();
  const row = (await cells(page)).find(([name]) => name === "by keyboard");
  assert.equal(row[2], "revoked");
  await tabTo(page, says("Sign out"));
  await enter();
  await page.goto("/console");
  assert.equal(new URL(page.url()).pathname, "/login");
  none(found);
  await context.close();
});
