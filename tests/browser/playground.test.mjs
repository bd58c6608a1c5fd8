// The playground by keyboard: it sends, streams, stops, picks a model; what a model says is inert.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { faults, launch, open } from "./stage/browser.mjs";
import { inaccessible, misshapen, none, picture } from "./stage/checks.mjs";
import { tabTo } from "./stage/keyboard.mjs";

const { FAKE_URL } = process.env;
const HOSTILE =
  '# A head\n\n<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\n\n' +
  "[one](javascript:window.pwned=1) [two](https://example.com/) ![three](https://example.com/x.png)\n\n" +
  '```js"><script>window.pwned=1</script>\nlet two = 1 + 1; // a comment\n```\n\n| a | b |\n|---|---|\n| 1 | <b onclick=pwned> |\n';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const control = (path, body) => fetch(FAKE_URL + path, { method: "POST", body: JSON.stringify(body) });
const script = (answer) => control("/__script", { rules: [{ when: {}, answer }] });
const body = (page) => page.locator("article .answer").last();

test("a call is sent, seen as it streams, stopped and sent again by keyboard alone", async () => {
  await script({ parts: [{ text: "One two three four five six" }], gate: "play" });
  await control("/__gate?name=play&open=4", {});
  const { page, context } = await open(browser);
  const found = await faults(page);
  await page.goto("/playground");
  await tabTo(page, (at) => at.name === "prompt");
  await page.keyboard.type("Count");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => document.querySelector("article .answer")?.textContent.includes("One"));
  assert.equal(await page.getAttribute("#log", "aria-busy"), "true");
  assert.ok(!(await body(page).innerText()).includes("six"));
  assert.match(await page.innerText("#state"), /lab-free answers at lab/);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("#state").textContent.startsWith("Stopped"));
  await page.locator("#log[aria-busy=false]").waitFor();
  assert.ok(!page.url().includes("Count"), page.url());

  await script({ parts: [{ text: "All of it" }] });
  await page.locator("[name=prompt]").focus();
  await page.keyboard.type("Again");
  await page.keyboard.press("Control+Enter");
  await page.locator("article").last().locator(".receipt").waitFor();
  assert.equal(await body(page).innerText(), "All of it");
  none(found.filter((one) => !one.includes("status of 404")));
  await context.close();
});

test("Ctrl+K picks a model, and the address says which", async () => {
  const { page, context } = await open(browser);
  await page.goto("/playground?mode=fim");
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.type("lab-fr");
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue("[name=model]"), "lab-free");
  assert.match(page.url(), /mode=fim&model=lab-free$/);
  await context.close();
});

test("s15 what a model says is shown and does nothing", async () => {
  await script({ parts: [{ text: HOSTILE }] });
  for (const javaScriptEnabled of [true, false]) {
    const { page, context } = await open(browser, { javaScriptEnabled });
    const found = await faults(page);
    await page.goto("/playground");
    await page.locator("[name=prompt]").fill(HOSTILE);
    await page.locator("button[type=submit]").click();
    await page.locator(".receipt").waitFor();
    const said = await page.locator("article").innerText();
    assert.ok(said.includes("window.pwned=1"), said);
    const dangerous = "article img, article script, article [onclick], article [onerror], #log a:not([href^='https://'], [download])";
    assert.equal(await page.locator(dangerous).count(), 0);
    if (javaScriptEnabled) {
      assert.equal(await page.evaluate("window.pwned"), undefined);
      assert.equal(await page.locator("article a").first().getAttribute("rel"), "noopener noreferrer nofollow ugc");
      await picture(page, "playground-answered");
      found.push(...(await misshapen(page)), ...(await inaccessible(page)));
    }
    none(found);
    await context.close();
  }
});

test("a model that costs asks to sign in, and says so where it stands", async () => {
  const { page, context } = await open(browser);
  await page.goto("/playground?model=codestral-latest");
  await page.locator("[name=prompt]").fill("Hi");
  await page.locator("button[type=submit]").click();
  await page.locator("article .notice").waitFor();
  assert.match(await page.innerText("article .notice"), /401 .*sign in/s);
  await context.close();
});
