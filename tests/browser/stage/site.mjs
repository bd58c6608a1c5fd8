// The site as a crawler finds it: by sitemap.xml, and by the links of what it has read.

import http from "node:http";
import { gunzipSync } from "node:zlib";

import { VANE_URL } from "./browser.mjs";

export const LAUNCH = [
  "codestral-latest",
  "magistral-medium-latest",
  "magistral-small-latest",
  "devstral-medium-latest",
  "ministral-14b-latest",
  "ministral-8b-latest",
  "ministral-3b-latest",
];
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const MODELS_READ = 25;

/** What is answered at a path, with its size as it goes over the wire. */
export function get(path) {
  return new Promise((resolve, reject) => {
    const headers = { "accept-encoding": "gzip", accept: "text/html,*/*" };
    const request = http.get(VANE_URL + path, { agent, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const wire = Buffer.concat(chunks);
        const isPacked = response.headers["content-encoding"] === "gzip";
        const text = (isPacked ? gunzipSync(wire) : wire).toString();
        resolve({ path, status: response.statusCode, headers: response.headers, bytes: wire.length, text });
      });
    });
    request.on("error", reject);
  });
}

/** The paths that sitemap.xml names. */
export async function sitemap() {
  const { text } = await get("/sitemap.xml");
  return [...text.matchAll(/<loc>(.*?)<\/loc>/g)].map(([, loc]) => {
    const url = new URL(loc.replaceAll("&amp;", "&"));
    return url.pathname + url.search;
  });
}

/** The pages to look at: all, but of the many models those of the launch and an even sample. */
export function sampled(paths) {
  const isModel = (path) => path.startsWith("/models/");
  const known = LAUNCH.map((id) => `/models/${id}`);
  const others = paths.filter((path) => isModel(path) && !known.includes(path));
  const wanted = MODELS_READ - known.length;
  const even = Array.from({ length: wanted }, (_, at) => others[Math.floor((at * others.length) / wanted)]);
  return [...paths.filter((path) => !isModel(path)), ...known, ...new Set(even)];
}

/** Where a page leads: its links, forms' actions, styles and pictures, as written. */
export function links(html) {
  const body = html.replace(/<pre\b[\s\S]*?<\/pre>/g, "");
  const found = [...body.matchAll(/<(?:a|link|img|script|form|iframe)\b[^>]*?\s(?:href|src|action)="([^"]*)"/g)];
  return [...new Set(found.map(([, to]) => to.replaceAll("&amp;", "&").replaceAll("&#38;", "&")))];
}
