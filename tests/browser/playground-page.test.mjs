// The playground's page in every mode, width and scheme, with an answer and without scripts; and
// what no model and no address gets into it. The model costs nothing and is played by the fake.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Fake, answer, text } from "../clients/js/stage.mjs";
import { faults, launch, open } from "./stage/browser.mjs";
import { everyView, inaccessible, invalid, misshapen, none, picture } from "./stage/checks.mjs";
import { join } from "./stage/walk.mjs";

const FREE = "lab-free";
const EMBEDS = "lab-embed";
// What a model may say to whoever reads it in a page. Each tries to set window.pwned.
const HOSTILE = [
  "<script>window.pwned = 1</script>",
  "<img src=x onerror='window.pwned = 2'>",
  "<svg onload='window.pwned = 3'></svg>",
  "[click](javascript:window.pwned=4)",
  "[click](JaVaScRiPt&colon;window.pwned=5)",
  "[click](data:text/html,<script>parent.pwned=6</script>)",
  "![alt](x\" onerror=\"window.pwned=7)",
  "`</code><script>window.pwned = 8</script>`",
  "```html\"onmouseover=window.pwned=9\n</pre><script>window.pwned = 10</script>\n```",
  "| <img src=x onerror=window.pwned=11> | b |\n|---|---|\n| <iframe srcdoc='<script>parent.pwned=12</script>'> | c |",
  "<https://example.org/\" onclick=\"window.pwned=13>",
  "<style>@import 'http://example.org/x.css'</style><base href='http://example.org/'>",
  "# <a href=javascript:window.pwned=14>heading</a>",
];
const fake = new Fake();
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const log = (page) => page.locator("#log");
const receipts = (page) => page.locator("#log .receipt");

/** Waits until nothing runs any more and so many receipts stand there. */
async function settled(page, count) {
  await receipts(page).nth(count - 1).waitFor();
  await page.locator("#log[aria-busy=false]").waitFor();
}

async function tried(path, options) {
  const opened = await open(browser, options);
  const found = await faults(opened.page);
  await opened.page.goto(path);
  return { ...opened, found };
}

test("s15: what a model says is inert", async () => {
  const { page, context, found } = await tried(`/playground?model=${FREE}`);
  for (const [at, said] of HOSTILE.entries()) {
    await fake.script(answer(text(said)));
    await page.locator("textarea[name=prompt]").fill("Say it");
    await page.keyboard.press("Control+Enter");
    await settled(page, at + 1);
  }
  const made = await page.evaluate(() => ({
    elements: document.querySelectorAll("#log :is(script, img, svg:not(.plot > svg), iframe, style, base, object, embed)").length,
    handlers: [...document.querySelectorAll("#log *")].flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on")),
    links: [...document.querySelectorAll("#log a")].map((a) => a.protocol).filter((protocol) => !/^https?:$/.test(protocol)),
  }));
  assert.deepEqual(made, { elements: 0, handlers: [], links: [] });
  for (const said of ["onerror='window.pwned = 2'", "onload='window.pwned = 3'"]) {
    assert.ok((await log(page).innerText()).includes(said), "it stands there as text");
  }
  assert.equal(await page.evaluate("window.pwned"), undefined);
  none(found);
  await context.close();
});

test("s15: what an address says is inert", async () => {
  const said = encodeURIComponent("\"><script>window.pwned=1</script><img src=x onerror=window.pwned=2>");
  const places = ["/playground?model=X", "/playground?mode=X", "/playground?mode=fim&prompt=X", "/models?q=X", "/models?maker=X&sort=X", "/compare?m=X&in=X", "/models/X", "/X"];
  const { page, context } = await open(browser);
  const found = await faults(page, { expected: [404] });
  for (const place of places) {
    await page.goto(place.replaceAll("X", said));
    assert.equal(await page.evaluate("window.pwned"), undefined, place);
    assert.equal(await page.locator("img, script:not([src])").count(), 0, place);
  }
  none(found);
  await context.close();
});

const MODES = [
  { mode: "chat", fields: ["prompt"], model: FREE },
  { mode: "completion", fields: ["prompt"], model: FREE },
  { mode: "fim", fields: ["prompt", "suffix"], model: FREE },
  { mode: "embeddings", fields: ["prompt"], model: EMBEDS },
];

for (const { mode, fields, model } of MODES) {
  test(`without scripts the playground answers by a form: ${mode}`, async () => {
    await fake.script(answer(text("from the form")));
    const { page, context, found } = await tried(`/playground?mode=${mode}&model=${model}`, { javaScriptEnabled: false });
    for (const field of fields) await page.locator(`textarea[name=${field}]`).fill("def add(a, b):");
    const isForm = (response) => response.request().method() === "POST";
    const [answered] = await Promise.all([page.waitForResponse(isForm), page.getByRole("button", { name: "Send" }).click()]);
    found.push(...(await invalid(await answered.text())));
    await receipts(page).waitFor();
    assert.match(await log(page).innerText(), mode === "embeddings" ? /Dimensions/ : /from the form/);
    await everyView(page, async (name) => {
      found.push(...(await misshapen(page)).map((what) => `${name}: ${what}`));
      await picture(page, `playground-form-${mode}-${name}`);
    });
    none(found);
    await context.close();
  });

  test(`the playground reads well with an answer: ${mode}`, async () => {
    await fake.script(answer(text("```python\ndef add(a, b):\n    return a + b\n```\n\nA **sum**, and `code`.")));
    const { page, context, found } = await tried(`/playground?mode=${mode}&model=${model}`);
    for (const field of fields) await page.locator(`textarea[name=${field}]`).fill("def add(a, b):");
    await page.keyboard.press("Control+Enter");
    await settled(page, 1);
    await page.getByText("curl", { exact: true }).click();
    await everyView(page, async (name) => {
      found.push(...(await misshapen(page)).map((what) => `${name}: ${what}`));
      await picture(page, `playground-${mode}-${name}`);
    });
    none([...found, ...(await inaccessible(page))]);
    await context.close();
  });
}

test("two models answer beside each other", async () => {
  await fake.script(answer(text("the same")));
  const { page, context, found } = await tried(`/playground?model=${FREE}&beside=lab-other`);
  await page.locator("textarea[name=prompt]").fill("Hello");
  await page.keyboard.press("Control+Enter");
  await settled(page, 2);
  assert.equal(await page.locator("#log .beside article").count(), 2);
  none([...found, ...(await misshapen(page))]);
  await context.close();
});

const drawn = (page) =>
  page.locator("main svg.chart").evaluate((svg) => {
    const copy = svg.cloneNode(true);
    for (const one of [copy, ...copy.children]) for (const name of ["id", "aria-labelledby"]) one.removeAttribute(name);
    return copy.outerHTML;
  });
const figures = (page) => page.locator("[aria-label='Times of the attempts'] tbody").evaluate((body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent)));

test("the times of a run are drawn as its receipt in the console draws them", async () => {
  const { page, context } = await open(browser);
  const found = await faults(page);
  await join(page, "tim@example.com");
  await fake.script(answer(text("in time")));
  await page.goto(`/playground?model=${FREE}`);
  await page.locator("textarea[name=prompt]").fill("Hello");
  await page.keyboard.press("Control+Enter");
  await settled(page, 1);
  await page.getByText(/^Times: first content after /).click();
  const [seen, rows] = [await drawn(page), await figures(page)];
  const id = (await page.locator(".receipt caption").innerText()).split(/[ :]/)[1];
  await page.goto(`/console/receipts/${id}`);
  assert.equal(seen, await drawn(page));
  assert.deepEqual(rows, await figures(page));
  none(found);
  await context.close();
});

test("an attempt that failed is drawn as one", async () => {
  await fake.script(answer(text("in time")));
  const { page, context, found } = await tried(`/playground?model=${FREE}`);
  const attempt = (provider, outcome, began_ms, first_content_ms, took_ms) => ({ provider, model: FREE, outcome, fault: outcome === "done" ? null : "it was away", began_ms, first_content_ms, took_ms, dropped: null, cost: "0", lines: [] });
  const attempts = [attempt("near", "failed_before", 4, null, 812), attempt("lab", "done", 820, 430, 1500)];
  const receipt = { id: "req_1", status: "done", cost: "0", charged: "0", first_content_ms: 1250, took_ms: 2320, dropped: null, attempts };
  await page.route("**/playground/receipts/*", (route) => route.fulfill({ json: receipt }));
  await page.locator("textarea[name=prompt]").fill("Hello");
  await page.keyboard.press("Control+Enter");
  await settled(page, 1);
  assert.match(await page.innerText("#state"), /Fell back from near to lab/);
  await page.getByText("Times: first content after 1.25 s, ended after 2.32 s").click();
  assert.deepEqual(await figures(page), [
    ["The call", "0 ms", "1.25 s", "2.32 s", "done", "\u2013"],
    ["1. near", "4 ms", "\u2013", "812 ms", "failed, before", "\u2013"],
    ["2. lab", "820 ms", "430 ms", "1.5 s", "done", "\u2013"],
  ]);
  assert.equal(await page.locator("#log rect.poor").count(), 1);
  await everyView(page, async (name) => {
    found.push(...(await misshapen(page)).map((what) => `${name}: ${what}`));
    await picture(page, `playground-times-${name}`);
  });
  none([...found, ...(await inaccessible(page))]);
  await context.close();
});
