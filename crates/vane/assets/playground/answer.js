// One answer: asked for, shown as it comes, with what it cost at its end.

import * as keep from "./keep.js";
import { codeBlock, markdown, node } from "./markdown.js";
import { times } from "./times.js";
import { vectors } from "./vectors.js";
import { Failed, PATHS, add, bodyOf, cure, frames, refusal } from "./wire.js";

const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1) + " s";
// About four characters are a token: what was really used is in the receipt.
const tokens = (said) => Math.ceil((said.text.length + said.thoughts.length) / 4);
const REDRAW_MS = 80;

// Asks one model. `say` announces each state; `option` is what the page knows of the model.
export async function ask({ filled, model, turns, option, place, say, signal }) {
  const providers = option ? option.dataset.providers.split(" ") : [];
  const name = node("small");
  const body = node("div", { class: "answer" });
  const meter = node("p", { class: "fine meter" });
  const article = node("article", { class: "turn assistant" }, node("h2", {}, model, " ", name), body, meter);
  place.append(article);
  const said = { text: "", thoughts: "", calls: [], usage: null, vectors: null, texts: [], run: "", finish: "" };
  const began = performance.now();
  let [first, drawn, later, pass, id] = [0, 0, 0, "", ""];

  const draw = (now) => {
    clearTimeout(later);
    const wait = drawn + REDRAW_MS - performance.now();
    // What came last is drawn also where nothing follows it for a while.
    if (!now && wait > 0) return void (later = setTimeout(draw, wait, true));
    drawn = performance.now();
    body.replaceChildren(...shown(filled.mode, said));
    const running = (performance.now() - first) / 1000;
    const rate = running > 0.2 ? ", about " + Math.round(tokens(said) / running) + " tokens/s" : "";
    const cost = option && Number(option.dataset.pico) ? ", about $" + ((tokens(said) * option.dataset.pico) / 1e12).toFixed(6) + " of output so far" : "";
    meter.textContent = seconds(began) + rate + cost;
  };
  const clock = setInterval(() => first || (meter.textContent = seconds(began)), 100);
  say("Connecting" + (providers.length ? " to " + providers[0] : "") + " for " + model + "\u2026");
  try {
    const streams = filled.mode !== "embeddings";
    const call = bodyOf(filled, model, turns);
    said.texts = call.input || [];
    if (streams) call.stream = true;
    if (filled.mode === "chat" || filled.mode === "completion") call.stream_options = { include_usage: true };
    const headers = { "content-type": "application/json", "vane-csrf": filled.csrf };
    const response = await fetch("/playground" + PATHS[filled.mode], { method: "POST", headers, body: JSON.stringify(call), signal });
    if (!response.ok) throw await refusal(response);
    [pass, id] = [response.headers.get("vane-pass"), response.headers.get("vane-request-id")];
    const provider = response.headers.get("vane-provider");
    name.textContent = provider ? "at " + provider : "";
    first = performance.now();
    say(model + " answers" + (provider ? " at " + provider : "") + ".");
    if (streams) {
      for await (const frame of frames(response)) {
        add(said, frame);
        draw();
      }
    } else {
      add(said, await response.json());
    }
    draw(true);
    said.calls = said.calls.filter(Boolean);
    say(model + " has answered, after " + seconds(began) + "." + (said.finish === "length" ? " It reached the most output that was allowed." : ""));
  } catch (error) {
    draw(true);
    if (error.name === "AbortError") {
      said.stopped = true;
      say("Stopped. What was written so far is billed.");
      meter.textContent += ", stopped";
    } else {
      const failed = error instanceof Failed ? error : new Failed(0, error.message);
      said.failed = true;
      const advice = failed.status ? cure(failed) : "Nothing came back: see whether this server is reached, then send again.";
      body.append(node("div", { class: "notice" }, node("strong", {}, failed.status ? failed.status + " " : ""), failed.message, " ", node("span", { class: "cure" }, advice)));
      say("Failed: " + failed.message);
    }
  } finally {
    clearInterval(clock);
  }
  if (pass) await receipt(article, id, pass, say);
  const begins = filled.mode !== "chat" || turns.filter((turn) => turn.role !== "system").length === 1;
  if (id && begins && said.text && !said.stopped && !said.failed) article.append(kept(filled, model, said, id));
  if (said.run) keep.offer(filled.csrf, model, said.run);
  return said;
}

// The run as a file, which `vane example save` takes.
function kept({ mode, csrf, ...asked }, model, said, call) {
  const run = JSON.stringify({ mode, model, asked, answer: said.text, call }, null, 2);
  const link = node("a", { download: "run.json", href: "" }, "Save this run as a file");
  link.addEventListener("click", () => {
    const at = URL.createObjectURL(new Blob([run], { type: "application/json" }));
    link.href = at;
    setTimeout(() => URL.revokeObjectURL(at), 60000);
  });
  return node("p", { class: "fine" }, link);
}

function shown(mode, said) {
  const parts = [];
  if (said.thoughts) parts.push(node("details", {}, node("summary", {}, "Thoughts"), node("p", { class: "said" }, said.thoughts)));
  if (said.vectors) {
    parts.push(vectors(said.vectors, said.texts));
  } else if (mode === "chat") {
    parts.push(markdown(said.text));
  } else if (said.text) {
    parts.push(codeBlock(said.text));
  }
  for (const call of said.calls.filter(Boolean)) {
    parts.push(node("p", { class: "fine" }, "It calls the tool ", node("code", {}, call.function.name)), codeBlock(call.function.arguments));
  }
  return parts;
}

// The receipt of a run, line by line, and who failed before.
async function receipt(article, id, pass, say) {
  // A run that was stopped ends when the server sees that nobody listens: soon.
  let response = null;
  for (let tries = 0; tries < 4 && !(response && response.ok); tries++) {
    if (tries) await new Promise((done) => setTimeout(done, 400 * tries));
    response = await fetch("/playground/receipts/" + id, { headers: { "vane-pass": pass } }).catch(() => null);
  }
  if (!response || !response.ok) return;
  const bill = await response.json();
  const cell = (name, text, attributes) => node(name, attributes || {}, text);
  const rows = bill.attempts.flatMap((attempt) =>
    attempt.lines.map((line) =>
      node("tr", {}, cell("td", attempt.provider), cell("th", line.bucket.replaceAll("_", " "), { scope: "row" }), cell("td", String(line.quantity), { class: "n" }), cell("td", "$" + line.price, { class: "n" }), cell("td", "$" + line.amount, { class: "n" })),
    ),
  );
  rows.push(node("tr", { class: "sum" }, cell("td", ""), cell("th", "Charged", { scope: "row" }), cell("td", ""), cell("td", ""), cell("td", "$" + bill.cost, { class: "n" })));
  const heads = ["Provider", "What", "Quantity", "Price", "Amount"].map((head, at) => cell("th", head, at > 1 ? { scope: "col", class: "n" } : { scope: "col" }));
  const table = node("table", { class: "receipt" }, cell("caption", "Receipt " + bill.id + ": $" + bill.cost + " charged"), node("thead", {}, node("tr", {}, ...heads)), node("tbody", {}, ...rows));
  article.append(node("div", { class: "scroll", role: "region", "aria-label": "Receipt", tabindex: "0" }, table));
  article.append(times(bill));
  const failed = bill.attempts.filter((attempt) => attempt.fault);
  for (const attempt of failed) article.append(node("p", { class: "fine" }, "Asked before, and failed: " + attempt.provider + ": " + attempt.fault));
  if (failed.length && bill.attempts.length > failed.length) say("Fell back from " + failed[0].provider + " to " + bill.attempts.at(-1).provider + ". The receipt is here.");
}
