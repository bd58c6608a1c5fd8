// Markdown to nodes. What a model said is only ever the text of a node; the one attribute that
// holds any of it is the address of a link, which is http or https. Each expression reads a text once:
// none tries the same stretch again from every place in it.

import { highlighted } from "./highlight.js";

export function node(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function copyButton(text) {
  const button = node("button", { type: "button", class: "quiet copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
  });
  return button;
}

export function codeBlock(code) {
  const pre = node("pre", { tabindex: "0" }, node("code", {}, highlighted(code)));
  return node("div", { class: "codeblock" }, pre, copyButton(code));
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^[\]]*)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>()"']+)/g;

function inline(text) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    out.append(text.slice(at, found.index), piece(found));
    at = found.index + found[0].length;
  }
  out.append(text.slice(at));
  return out;
}

function piece([whole, code, strong, em, label, address, bare]) {
  if (code !== undefined) return node("code", {}, code);
  if (strong !== undefined) return node("strong", {}, inline(strong));
  if (em !== undefined) return node("em", {}, inline(em));
  return link(bare || address, bare || label || address) || whole;
}

function link(address, label) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return node("a", { href: url.href, rel: "noopener noreferrer nofollow ugc", target: "_blank" }, label);
}

const FENCE = /^\s*(```+|~~~+)/;
const LIST = /^\s*(?:[-*+]|(\d{1,6})[.)])\s+([^]*)$/;
const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
// The line below the head of a table.
const isRule = (line) => line !== undefined && line.includes("-") && /^[\s|:-]+$/.test(line);

export function markdown(text) {
  const out = document.createDocumentFragment();
  const lines = text.split("\n");
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    const heading = /^(#{1,6})\s+([^]*)$/.exec(line);
    if (fence) {
      const from = ++at;
      while (at < lines.length && !lines[at].trim().startsWith(fence[1])) at++;
      out.append(codeBlock(lines.slice(from, at++).join("\n")));
    } else if (heading) {
      // The page has headings of its own: an answer's are below them.
      out.append(node("h" + Math.min(heading[1].length + 2, 6), {}, inline(heading[2])));
      at++;
    } else if (LIST.test(line)) {
      at = list(out, lines, at);
    } else if (/^\s*>/.test(line)) {
      const from = at;
      while (at < lines.length && /^\s*>/.test(lines[at])) at++;
      const inner = lines.slice(from, at).map((one) => one.replace(/^\s*>\s?/, ""));
      out.append(node("blockquote", {}, inline(inner.join("\n"))));
    } else if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) {
      out.append(node("hr"));
      at++;
    } else if (line.includes("|") && isRule(lines[at + 1])) {
      at = table(out, lines, at);
    } else if (line.trim() === "") {
      at++;
    } else {
      const from = at++;
      while (at < lines.length && lines[at].trim() && !FENCE.test(lines[at]) && !LIST.test(lines[at]) && !/^#{1,6}\s|^\s*>/.test(lines[at])) at++;
      out.append(node("p", { class: "said" }, inline(lines.slice(from, at).join("\n"))));
    }
  }
  return out;
}

function list(out, lines, at) {
  const first = LIST.exec(lines[at]);
  const made = node(first[1] ? "ol" : "ul", first[1] ? { start: first[1] } : {});
  for (; at < lines.length; at++) {
    const item = LIST.exec(lines[at]);
    if (item) made.append(node("li", {}, inline(item[2])));
    else if (/^\s+\S/.test(lines[at])) made.lastChild.append("\n", inline(lines[at].trim()));
    else break;
  }
  out.append(made);
  return at;
}

function table(out, lines, at) {
  const row = (line, name) => {
    const made = node("tr");
    // One by one: a line has more cells than a call takes arguments.
    for (const cell of cells(line)) made.append(node(name, name === "th" ? { scope: "col" } : {}, inline(cell)));
    return made;
  };
  const made = node("table", {}, node("thead", {}, row(lines[at], "th")));
  const body = node("tbody");
  for (at += 2; at < lines.length && lines[at].includes("|"); at++) body.append(row(lines[at], "td"));
  made.append(body);
  out.append(node("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, made));
  return at;
}
