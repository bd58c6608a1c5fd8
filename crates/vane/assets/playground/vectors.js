// Vectors of embeddings: how near each text is to the first one, how long its vector is, how it
// begins.

import { node } from "./markdown.js";

const SHOWN = 4;
const dot = (a, b) => a.reduce((sum, one, at) => sum + one * b[at], 0);

function near(first, row) {
  const lengths = Math.sqrt(dot(first, first) * dot(row, row));
  return first.length === row.length && lengths > 0 ? (dot(first, row) / lengths).toFixed(3) : "";
}

export function vectors(rows, texts) {
  const head = (text, number) => node("th", number ? { scope: "col", class: "n" } : { scope: "col" }, text);
  const lines = rows.map((row, at) => {
    const text = texts[at] || "";
    const begins = row.slice(0, SHOWN).map((one) => Number(one).toFixed(4)).join(", ") + (row.length > SHOWN ? ", \u2026" : "");
    const numbers = [at ? near(rows[0], row) : "", String(row.length)].map((number) => node("td", { class: "n" }, number));
    return node("tr", {}, node("th", { scope: "row" }, text.length > 80 ? text.slice(0, 80) + "\u2026" : text), ...numbers, node("td", {}, begins));
  });
  const caption = node("caption", {}, "A vector for each text; near is the cosine to the first one");
  const heads = node("tr", {}, head("Text"), head("Near", true), head("Dimensions", true), head("Begins with"));
  const table = node("table", { class: "vectors" }, caption, node("thead", {}, heads), node("tbody", {}, ...lines));
  return node("div", { class: "scroll", role: "region", "aria-label": "Vectors", tabindex: "0" }, table);
}
