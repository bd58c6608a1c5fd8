// The playground's page: sends its form, stops it, and keeps the conversation. Without this the
// form works all the same, a page at a time.

import { ask } from "./answer.js";
import { offer } from "./code.js";
import { clear } from "./keep.js";
import { markdown, node } from "./markdown.js";
import { picker } from "./picker.js";
import { bodyOf } from "./wire.js";

const form = document.getElementById("play");
const [log, state, stop] = ["log", "state", "stop"].map((id) => document.getElementById(id));
const field = (name) => form.elements.namedItem(name);
const value = (name) => (field(name) ? field(name).value : "");
const send = form.querySelector("button[type=submit]");
const options = [...document.querySelectorAll("#models option")];
const say = (text) => (state.textContent = text);
let running = null;
// The conversation as it is sent.
let turns = JSON.parse(value("turns") || "[]");

const filled = () => Object.fromEntries(["csrf", "mode", "system", "prompt", "suffix", "tools", "temperature", "top_p", "max_tokens", "stop"].map((name) => [name, value(name)]));

// The conversation with what is typed at its end.
function next() {
  if (value("mode") !== "chat") return [];
  const all = [...turns];
  if (!all.length && value("system").trim()) all.push({ role: "system", content: value("system") });
  const last = all.at(-1);
  for (const call of (last && last.tool_calls) || []) all.push({ role: "tool", tool_call_id: call.id, content: value("result") });
  if (value("prompt").trim()) all.push({ role: "user", content: value("prompt") });
  return all;
}

function asked(all) {
  for (const turn of all.slice(turns.length)) {
    log.append(node("div", { class: "turn " + turn.role }, node("h2", {}, turn.role), node("p", { class: "said" }, turn.content)));
  }
}

// A field for the result of a tool that the model waits for.
function results(calls) {
  const old = field("result");
  if (old) old.closest("label").remove();
  if (!calls || !calls.length) return;
  const input = node("textarea", { name: "result", rows: "2" });
  log.after(node("label", {}, "Result of the tool " + calls.map((call) => call.function.name).join(", "), input));
  input.focus();
}

async function start() {
  if (running || !form.reportValidity()) return;
  running = new AbortController();
  const [typed, all] = [filled(), next()];
  const models = [value("model").trim(), value("beside").trim()].filter(Boolean);
  form.setAttribute("data-state", "running");
  log.setAttribute("aria-busy", "true");
  [send.disabled, stop.hidden] = [true, false];
  asked(all);
  if (typed.mode === "chat") field("prompt").value = "";
  clear();
  const place = node("div", { class: "beside" });
  log.append(place);
  const option = (model) => options.find((one) => one.value === model);
  say(models.length > 1 ? "Queued: two models are asked." : "Queued.");
  const asks = models.map((model) => ask({ filled: typed, model, turns: all, option: option(model), place, say, signal: running.signal }));
  const answers = await Promise.all(asks);
  [send.disabled, stop.hidden, running] = [false, true, null];
  form.removeAttribute("data-state");
  log.setAttribute("aria-busy", "false");
  settle(typed, all, answers[0]);
}

// What was answered joins the conversation; what failed can be sent again.
function settle(typed, all, said) {
  if (typed.mode !== "chat") return;
  if (said.failed && !said.text) {
    field("prompt").value = field("prompt").value || typed.prompt;
    turns = all.slice(0, typed.prompt.trim() ? -1 : undefined);
    return;
  }
  const turn = { role: "assistant", content: said.text };
  if (said.calls.length && !said.stopped) turn.tool_calls = said.calls;
  turns = [...all, turn];
  field("turns").value = JSON.stringify(turns);
  results(turn.tool_calls);
}

// The address says the model and the mode, never what was typed.
function remember() {
  const query = new URLSearchParams({ mode: value("mode"), model: value("model") });
  if (value("beside")) query.set("beside", value("beside"));
  history.replaceState(null, "", "?" + query);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
stop.addEventListener("click", () => running && running.abort());
for (const name of ["model", "beside"]) if (field(name)) field(name).addEventListener("change", remember);
const open = picker(options, value("mode"), (id) => {
  field("model").value = id;
  remember();
  field("prompt").focus();
});
document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === "Enter") {
    event.preventDefault();
    start();
  } else if (command && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  } else if (event.key === "Escape" && running && !document.querySelector("dialog[open]")) {
    running.abort();
  }
});
// An answer that came with the page, as the box of the first page leads to one.
for (const said of log.querySelectorAll("[data-markdown]")) said.replaceWith(markdown(said.textContent));
for (const one of form.querySelectorAll(".keys")) one.hidden = false;
offer(document.getElementById("code"), (written) => written(form.dataset.origin, value("mode"), bodyOf(filled(), value("model").trim(), next())));
