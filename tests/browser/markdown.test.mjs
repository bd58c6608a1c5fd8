// The playground's reader of Markdown, over random and mutated hostile texts: it never throws, makes
// nothing outside its list, shows nothing that was not said, and reads each text once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { elements, install, words } from "./stage/dom.mjs";

install();
const { markdown } = await import("../../crates/vane/assets/playground/markdown.js");

const SEED = 20261121;
const TEXTS = 6_000;
// Long enough that to read it from every place in it takes seconds.
const LONG = 1 << 17;
const CPU_SECONDS_MAX = 1;
const CLASSES = /^(codeblock|quiet copy|said|scroll|t-[csdk])$/;
// An address may hold a quote: it is set as a value and never written as markup.
const ADDRESS = /^https?:\/\/[^\s<>]*$/;
const ANY = {};
const MADE = {
  a: { href: ADDRESS, rel: /^noopener noreferrer nofollow ugc$/, target: /^_blank$/ },
  button: { type: /^button$/, class: CLASSES },
  div: { class: CLASSES, tabindex: /^0$/, role: /^region$/, "aria-label": /^Table$/ },
  ol: { start: /^\d{1,6}$/ },
  p: { class: CLASSES },
  pre: { tabindex: /^0$/ },
  span: { class: CLASSES },
  th: { scope: /^col$/ },
  ...Object.fromEntries("h3 h4 h5 h6 ul li blockquote hr code table thead tbody tr td strong em".split(" ").map((name) => [name, ANY])),
};
// What a reader trips over, and what somebody hopes it lets through.
const TOKENS = [
  "`", "``", "```", "~~~", "*", "**", "_", "[", "]", "](", "](http://a.example/", ")", "(", "!", "|", "|-|\n", "---", "-\n", "- ", "1. ", "9) ", "# ", "#", ">", "> ",
  "\n", "\r", "\r\n", "\t", " ", "\u2028", "\0", "\ud800", "\u{1f600}", "\\", "&lt;", "&colon;", "a", "word ", "http://", "https://a.example/x", "http://[::1",
  "<script>pwned()</script>", "<img src=x onerror=pwned()>", "javascript:pwned()", "[x](javascript:pwned())", "[x](JAVASCRIPT&colon;pwned())", "[x](data:text/html,x)",
  "[x](vbscript:x)", "[x](//a.example)", "[x](http:\\\\a)", "[x](http://a\"onclick=x)", "\" onmouseover=\"", "'", "/*", "*/", "//", "-- ", "\"", "let x = 1;", "| a | b |\n|---|:-:|\n| c | d |\n",
];

/** Random numbers that are the same in every run. */
function draws(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A text of tokens, with stretches doubled, moved and cut. */
function text(draw) {
  let said = Array.from({ length: 1 + draw(24) }, () => TOKENS[draw(TOKENS.length)]).join("");
  for (let change = draw(4); change > 0; change -= 1) {
    const [from, to] = [draw(said.length + 1), draw(said.length + 1)].sort((a, b) => a - b);
    const piece = said.slice(from, to);
    said = [said + piece, said.slice(0, from) + said.slice(to), piece + said, said.slice(0, from) + piece.repeat(3) + said.slice(from)][draw(4)].slice(0, 4_000);
  }
  return said;
}

/** What of a node's making is not on the list. */
function unlisted(root) {
  const wrong = [];
  for (const { name, attributes } of elements(root)) {
    const known = MADE[name];
    if (!known) wrong.push(`<${name}>`);
    for (const [attribute, value] of attributes) if (!known?.[attribute]?.test(value)) wrong.push(`<${name} ${attribute}="${value}">`);
  }
  return wrong;
}

/** Whether the signs of one text come in the other, in the same order. Space is free. */
function isWithin(shown, said) {
  let at = 0;
  for (const sign of shown.replaceAll(/\s/g, "")) {
    at = said.indexOf(sign, at) + sign.length;
    if (at < sign.length) return false;
  }
  return true;
}

test("s15: no text makes the reader of Markdown throw, or make anything outside its list", () => {
  const draw = draws(SEED);
  for (let made = 0; made < TEXTS; made += 1) {
    const said = text(draw);
    const shown = markdown(said);
    assert.deepEqual(unlisted(shown), [], JSON.stringify(said));
    assert.ok(isWithin(words(shown), said), `shows what was not said: ${JSON.stringify(said)}`);
  }
});

test("a long text is read once, whatever it repeats", () => {
  for (const head of ["", "- ", "# ", "> ", "a|b\n", "```\n"]) {
    for (const token of TOKENS) {
      const said = `${head}${token.repeat(Math.ceil(LONG / token.length))}\u2028x`;
      const began = process.cpuUsage();
      const shown = markdown(said);
      const { user } = process.cpuUsage(began);
      assert.ok(user / 1e6 < CPU_SECONDS_MAX, `${user / 1e6} s for ${JSON.stringify(head + token)} repeated`);
      assert.deepEqual(unlisted(shown).slice(0, 3), []);
    }
  }
});
