// Debian's Chromium, and pages that keep what went wrong in them.
// Invariant: the browser finds no host but 127.0.0.1, so a page that wants another one fails.

import { chromium } from "playwright-core";

export const { VANE_URL } = process.env;
export const WIDTHS = [320, 768, 1440];
// Generous: it only ends a test that has failed, on however slow a machine.
const WITHIN_MS = 60_000;
export const SCHEMES = ["light", "dark"];

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb"],
  });
}

/** An address that no other reader has. */
const anywhere = () => `10.${[0, 0, 0].map(() => Math.floor(Math.random() * 254) + 1).join(".")}`;

/** A page of a reader who has never been here. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({
    baseURL: VANE_URL,
    reducedMotion: "reduce",
    serviceWorkers: "block",
    extraHTTPHeaders: { "x-forwarded-for": anywhere() },
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(WITHIN_MS);
  return { context, page: await context.newPage() };
}

/** What goes wrong in a page from here on: errors told to the console, CSP, requests that leave. */
export async function faults(page, { expected = [], origin = VANE_URL } = {}) {
  const found = [];
  // Chromium tells the console of a page that is not there, or that refuses.
  const isExpected = (said) => expected.some((status) => said.text().includes(`status of ${status}`));
  const isTold = (said) => said.type() === "error" && !isExpected(said);
  page.on("console", (said) => {
    if (isTold(said)) found.push(`console: ${said.text()}`);
  });
  page.on("pageerror", (error) => found.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") found.push(`leaves the origin: ${url}`);
  });
  const devtools = await page.context().newCDPSession(page);
  devtools.on("Audits.issueAdded", ({ issue }) => {
    // Others are advice, as that fields of forms should have names.
    if (issue.code === "ContentSecurityPolicyIssue") found.push(`CSP: ${JSON.stringify(issue.details)}`);
  });
  await devtools.send("Audits.enable");
  return found;
}
