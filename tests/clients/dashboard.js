// The dashboard in a browser, and the checks of its tests: errors, requests to other hosts, faults for screen readers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { launchChromium } from "./chromium.js";
import { connectDirectly } from "./client.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];
/** The folder for a picture of each view. Without it no pictures are taken. */
const PICTURES = process.env.PICTURES;

export const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
export const VIEWS = ["overview", "hubs", "connections", "users", "groups", "trace", "send", "access"];

/** A service with a dashboard, and a browser, for all tests of a file. Both are started before the tests run. */
export function startWithBrowser() {
  const started = {};
  before(async () => {
    started.system = await startServe({ args: ["--admin-port", 0, "--dashboard"] });
    started.browser = await launchChromium();
  });
  after(async () => {
    await started.browser?.close();
    await started.system?.stop();
  });
  return started;
}

/** A browser's context for the dashboard of a system. The test fails at its end if something went wrong in it. */
export async function openContext(t, browser, system, options) {
  const { context, check } = await watchContext(browser, system, options);
  t.after(async () => {
    await context.close();
    check();
  });
  return context;
}

/** Connects a client to the service for as long as the test runs. */
export async function joinHub(t, system, user, hub = "chat") {
  const client = await connectDirectly(system, { user, hub });
  t.after(() => client.connection.stop());
  return client;
}

/** A browser's context. `check` fails if something went wrong in it. */
async function watchContext(browser, system, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const troubles = [];
  const host = new URL(system.dashboard).host;
  // A refused login and a service that is away are not faults of the page.
  const isExpected = (text) => /status of (40[14]|503)|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY/.test(text);
  context.on("weberror", (error) => troubles.push(error.error().stack));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isExpected(message.text())) {
      troubles.push(message.text());
    }
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.host !== host) {
      troubles.push(`a request to ${url}`);
    }
  });
  return { context, check: () => assert.deepEqual(troubles, []) };
}

/** A tab that shows the dashboard after a login. */
export async function openDashboard(context, system, view = "overview") {
  const tab = await context.newPage();
  await tab.goto(system.dashboard);
  await tab.getByLabel("Access key").fill(KEY);
  await tab.getByRole("button", { name: "Log in" }).click();
  await tab.getByRole("heading", { name: "Overview" }).waitFor();
  await show(tab, view);
  return tab;
}

/** Opens a view. `query` has its parameters. */
export async function show(tab, view, query = {}) {
  const text = new URLSearchParams(query).toString();
  await tab.evaluate(
    (hash) =>
      new Promise((resolve) => {
        if (location.hash === hash) {
          resolve();
        }
        // The view before stays until the next view is drawn.
        addEventListener("hashchange", () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
        location.hash = hash;
      }),
    `#/${view}${text && `?${text}`}`,
  );
  await tab.locator("h1").waitFor();
}

/** Returns the serious faults that axe finds in the tab. */
export async function findFaults(tab) {
  await tab.evaluate(AXE);
  const { violations } = await tab.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => SERIOUS.includes(impact))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

/** Takes a picture if there is a folder for pictures. */
export async function picture(tab, name) {
  if (PICTURES) {
    await tab.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }
}

/** Puts a connection into a group. */
export async function joinGroup(system, id, group, hub = "chat") {
  const path = `hubs/${hub}/groups/${encodeURIComponent(group)}/connections/${id}`;
  const { status, text } = await rest(system, "PUT", path);
  assert.equal(status, 200, text);
}

/** Does an action that begins a trace with this filter, and waits until the service has accepted the viewer. */
export async function beginTrace(tab, filter, begin) {
  const watches = tab.waitForResponse((response) => response.url().includes("/api/trace") && response.url().includes(filter));
  await begin();
  assert.equal((await watches).status(), 200);
}

/** The first row of a table that contains all the texts. */
export function row(tab, ...texts) {
  return texts.reduce((rows, text) => rows.filter({ hasText: text }), tab.locator("tbody tr")).first();
}

/** Whether the page fits into the width of the window. */
export function isNarrowEnough(tab) {
  return tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

