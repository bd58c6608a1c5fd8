// A person who goes from page to page behind the door, and looks at each of them.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { everyView, inaccessible, invalid, misshapen, none, picture } from "./checks.mjs";

export const OPERATOR = "op@example.com";
export const PASSWORD = "a long enough pass phrase";
const run = promisify(execFile);

/** Looks at the page that a navigation led to: its source, its shape in every view, axe. */
export async function look(page, name, answered) {
  const found = await invalid(await answered.text());
  await everyView(page, async (view) => {
    found.push(...(await misshapen(page)).map((what) => `${view}: ${what}`));
    await picture(page, `${name}-${view}`);
  });
  found.push(...(await inaccessible(page)));
  none(found.map((what) => `${name}: ${what}`));
}

/** Acts, and gives the page that it led to. */
export async function led(page, act) {
  const isPage = (response) => response.request().isNavigationRequest() && ![301, 302, 303, 307, 308].includes(response.status());
  const [answered] = await Promise.all([page.waitForResponse(isPage), page.waitForEvent("load"), act()]);
  return answered;
}

export const press = (page, name) => led(page, () => page.getByRole("button", { name, exact: true }).click());
export const follow = (page, name) => led(page, () => page.getByRole("link", { name, exact: true }).click());

/** Fills fields by their names. */
export async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]:not([type=hidden])`).first().fill(value);
}

/** Signs up and in, into the console. */
export async function join(page, email) {
  await page.goto("/signup");
  await fill(page, { email, password: PASSWORD });
  await press(page, "Sign up");
  await signIn(page, email);
}

export async function signIn(page, email) {
  await page.goto("/login");
  await fill(page, { email, password: PASSWORD });
  return press(page, "Sign in");
}

/** Comes in as who runs the server: by its link once, then by password. */
export async function operate(page) {
  const opened = await page.goto(process.env.OPERATOR_LINK);
  if (opened.status() === 403) return signIn(page, OPERATOR);
  await fill(page, { email: OPERATOR, password: PASSWORD });
  return press(page, "Go on");
}

/** The words of every row of the page's tables. */
export const cells = (page) => page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText)));

/** A figure of the list at the head of a page. */
export const sum = (page, name) => page.locator(".sums div").filter({ hasText: name }).locator("dd").innerText();

/** Does in a shell what a page says to paste. */
export async function pasted(command, env = {}) {
  const { stdout } = await run("sh", ["-euc", command.replace("curl ", "curl -sS --fail-with-body ")], { env: { ...process.env, ...env } });
  return stdout;
}
