// Every link within the site leads to something, and no page is heavier than agreed.

import { before, test } from "node:test";

import { VANE_URL } from "./stage/browser.mjs";
import { none } from "./stage/checks.mjs";
import { get, links, sitemap } from "./stage/site.mjs";

const KB = 1024;
const PAGE_MAX = 60 * KB;
// With the stylesheet, where that is said so.
const MODEL_AND_STYLE_MAX = 14 * KB;
const CATALOGUE_MAX = 30 * KB;
const AT_ONCE = 4;

/** Every answer by its path, and who named the path first. */
const answers = new Map();
const from = new Map();

before(async () => {
  const queue = [];
  const want = (path, by) => {
    if (from.has(path)) return;
    from.set(path, by);
    queue.push(path);
  };
  want("/", "the suite");
  for (const path of await sitemap()) want(path, "/sitemap.xml");
  const read = async () => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const answer = await get(path);
      answers.set(path, answer);
      for (const to of leads(answer)) want(to.pathname + to.search, path);
    }
  };
  while (queue.length > 0) await Promise.all(Array.from({ length: AT_ONCE }, read));
});

/** Where a page leads within the site. Of a page with a query, of which there is no end, nowhere. */
function leads({ path, headers, text }) {
  const isPage = headers["content-type"]?.startsWith("text/html");
  if (!isPage || path.includes("?")) return [];
  const all = links(text).map((to) => new URL(to, VANE_URL + path));
  return all.filter((to) => to.origin === VANE_URL);
}

test("every internal link resolves", () => {
  const dead = [...answers.values()].filter(({ status }) => status !== 200);
  none(dead.map(({ path, status }) => `${status} ${path}, named by ${from.get(path)}`));
});

test("every fragment is an id of its page", () => {
  const ids = (text) => new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
  const wrong = [];
  for (const answer of answers.values()) {
    for (const { pathname, search, hash } of leads(answer)) {
      const to = answers.get(pathname + search);
      const isMissing = hash && !ids(to.text).has(decodeURIComponent(hash.slice(1)));
      if (isMissing) wrong.push(`${answer.path} leads to ${pathname}${hash}`);
    }
  }
  none(wrong);
});

test("no page is heavier than its budget", () => {
  const style = [...answers.values()].find(({ path }) => path.endsWith(".css"));
  const most = ({ path }) => {
    if (path.startsWith("/models/")) return MODEL_AND_STYLE_MAX - style.bytes;
    return path.split("?")[0] === "/models" ? CATALOGUE_MAX : PAGE_MAX;
  };
  const pages = [...answers.values()].filter(({ headers }) => headers["content-type"]?.startsWith("text/html"));
  const heavy = pages.filter((page) => page.bytes > most(page));
  none(heavy.map((page) => `${page.path}: ${page.bytes} bytes where ${most(page)} are allowed`));
});

test("no reading page runs a script", () => {
  const pages = [...answers.values()].filter(({ path }) => !path.startsWith("/playground") && !path.startsWith("/console"));
  none(pages.filter(({ text }) => /<script\b/.test(text.replace(/<pre\b[\s\S]*?<\/pre>/g, ""))).map(({ path }) => path));
});
