// When the attempts of a run were made, as its receipt tells: a picture and the same in rows. It is
// what the server draws of a receipt, line for line.

import { node } from "./markdown.js";

const [WIDTH, ROW, SVG] = [640, 52, "http://www.w3.org/2000/svg"];
const NAME_CHARS_MAX = 24;
const isKnown = (ms) => ms !== null && ms !== undefined;

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function lasting(ms) {
  if (ms < 1000) return ms + " ms";
  return (ms < 60000 ? Math.floor(ms / 10) / 100 : Math.floor(ms / 1000).toLocaleString("en")) + " s";
}

// A round number at or above the largest, so that the axis ends on a figure to read.
function ceiling(largest) {
  let unit = 1;
  while (unit * 10 < largest) unit *= 10;
  return unit * [1, 2, 3, 4, 5, 6, 8, 10].find((times) => unit * times >= largest);
}

function linesOf(bill) {
  const call = { ...bill, name: "The call", began_ms: 0, ended: bill.status.replaceAll("_", " "), said: lasting(bill.took_ms) };
  const attempt = (one, at) => {
    const [took, waited, failed] = [lasting(one.took_ms), one.first_content_ms, one.outcome.startsWith("failed")];
    const waits = isKnown(waited) && waited < one.took_ms;
    const said = failed ? "failed, " + took : waits ? lasting(waited) + ", " + took + " in all" : took;
    const name = at + 1 + ". " + [...one.provider].slice(0, NAME_CHARS_MAX).join("");
    return { ...one, name, failed, said, ended: one.outcome.replaceAll("_", ", ") };
  };
  return [call, ...bill.attempts.map(attempt)];
}

function chart(id, lines) {
  const bottom = lines.length * ROW;
  const top = ceiling(Math.max(...lines.map((line) => line.began_ms + line.took_ms)));
  const x = (value) => Math.floor((Math.min(value, top) * (WIDTH - 2) + Math.floor(top / 2)) / top) + 1;
  const picture = drawn("svg", { class: "chart", viewBox: "0 0 " + WIDTH + " " + (bottom + 30), role: "img", "aria-labelledby": id + "-t " + id + "-d" });
  const text = (at, y, anchor, said) => picture.append(drawn("text", { x: at, y, "text-anchor": anchor }, said));
  picture.append(drawn("title", { id: id + "-t" }, "Times of the call"));
  picture.append(drawn("desc", { id: id + "-d" }, "The call and each attempt from the beginning of the call on. The table below has the same numbers."));
  for (const [value, anchor] of [[0, "start"], [Math.floor(top / 2), "middle"], [top, "end"]]) {
    picture.append(drawn("path", { class: "grid", d: "M" + x(value) + " 0V" + bottom }));
    text(x(value), bottom + 22, anchor, lasting(value));
  }
  for (const [row, line] of lines.entries()) {
    const y = row * ROW;
    text(4, y + 20, "start", line.name);
    text(WIDTH - 4, y + 20, "end", line.said);
    const part = (name, from, to) => {
      const [begins, ends] = [Math.min(x(line.began_ms + from), WIDTH - 3), x(line.began_ms + to)];
      picture.append(drawn("rect", { class: name, x: begins, y: y + 28, width: Math.max(ends - begins, 2), height: 14 }));
    };
    const [waited, last] = [line.first_content_ms, (name) => (line.failed ? "poor" : name)];
    if (isKnown(waited)) part("wait", 0, waited);
    part(last(isKnown(waited) ? "part s0" : "wait"), waited || 0, line.took_ms);
  }
  return picture;
}

export function times(bill) {
  const [lines, key] = [linesOf(bill), (text, name) => node("span", { class: "key" + name }, text)];
  const keys = node("p", { class: "fine" }, key("until the first content", " wait"), key("from there to the end", ""));
  if (lines.some((line) => line.failed)) keys.append(key("failed", " poor"));
  const heads = ["What", "Began", "First content", "Took", "Ended", "Left out"].map((head, at) => node("th", { scope: "col", class: at && at < 4 ? "n" : "" }, head));
  const rows = lines.map((line) => {
    const [first, left] = [line.first_content_ms, line.dropped || "\u2013"];
    const figures = [lasting(line.began_ms), isKnown(first) ? lasting(first) : "\u2013", lasting(line.took_ms)].map((said) => node("td", { class: "n" }, said));
    return node("tr", {}, node("th", { scope: "row" }, line.name), ...figures, node("td", {}, line.ended), node("td", {}, left.replaceAll(",", ", ")));
  });
  const caption = node("caption", {}, "The call and its attempts: when each began, from there to its first content, and to its end");
  const table = node("table", {}, caption, node("thead", {}, node("tr", {}, ...heads)), node("tbody", {}, ...rows));
  const scroll = node("div", { class: "scroll", role: "region", "aria-label": "Times of the attempts", tabindex: "0" }, table);
  const first = bill.first_content_ms;
  const says = (isKnown(first) ? "first content after " + lasting(first) : "no content") + ", ended after " + lasting(bill.took_ms);
  return node("details", {}, node("summary", {}, "Times: " + says), node("div", { class: "plot" }, chart(bill.id.replaceAll("_", "-"), lines), keys), scroll);
}
