// The dashboard of a service with many connections, groups and events.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { KEY, openContext, openDashboard, row, show, startWithBrowser } from "./dashboard.js";
import { rest } from "./service.js";
import { BINARY, startServe } from "./system.js";
import { until } from "./until.js";

const started = startWithBrowser();

test("15,000 connections are paged and searched by the service", async (t) => {
  const many = await startServe({ args: ["--admin-port", 0, "--dashboard"] });
  t.after(() => many.stop());
  const flags = ["--connections", 15_000, "--groups", 5000, "--rate", 1, "--duration", 600, "--size", 10];
  const bench = spawn(BINARY, ["bench", "-c", many.connectionString, "--hub", "many", ...flags.map(String)], { stdio: "ignore" });
  t.after(async () => {
    bench.kill("SIGKILL");
    await once(bench, "exit");
  });
  const context = await openContext(t, started.browser, many);
  const tab = await openDashboard(context, many);
  await tab.locator(".tile").filter({ hasText: "Connections" }).getByText("15,000", { exact: true }).waitFor({ timeout: 300_000 });
  await tab.locator(".tile").filter({ hasText: "Groups" }).getByText("5,000", { exact: true }).waitFor({ timeout: 300_000 });
  await show(tab, "connections", { hub: "many", size: "200" });
  const seen = new Set();
  for (let page = 1; page <= 75; page += 1) {
    await tab.getByRole("status").getByText(`Page ${page}`, { exact: true }).waitFor();
    await tab.waitForFunction(() => document.querySelectorAll("tbody tr").length === 200);
    const ids = await tab.locator("tbody tr td:first-child").allTextContents();
    ids.forEach((id) => seen.add(id));
    assert.equal(seen.size, page * 200);
    if (page < 75) {
      await tab.getByRole("button", { name: "Next" }).click();
    }
  }
  assert.ok(await tab.getByRole("button", { name: "Next" }).isDisabled());
  const [id] = seen;
  await tab.getByLabel("Search").fill(id.slice(0, 12).toUpperCase());
  await row(tab, id).waitFor();
  await until(async () => (await tab.locator("tbody tr").count()) === 1);
  await show(tab, "groups", { hub: "many" });
  await tab.getByLabel("Search").fill("-4999");
  await row(tab, "-4999").waitFor();
  await until(async () => (await tab.locator("tbody tr").count()) === 1);
});

test("a flood of messages is sampled, and the page keeps its size", async (t) => {
  const context = await openContext(t, started.browser, started.system);
  const tab = await openDashboard(context, started.system, "trace");
  await tab.getByRole("status").getByText("watching").waitFor();
  const body = { target: "newMessage", arguments: [1] };
  const send = () => rest(started.system, "POST", "hubs/flood/:send", { body });
  let isOver = false;
  const flooding = (async () => {
    while (!isOver) {
      await Promise.all(Array.from({ length: 200 }, send));
    }
  })();
  await tab.getByRole("status").getByText(/sampled: [\d,]+ events/).waitFor({ timeout: 60_000 });
  isOver = true;
  await flooding;
  assert.ok((await tab.locator("tbody tr").count()) <= 200);
  await tab.getByRole("button", { name: "Pause" }).click();
  await tab.getByRole("status").getByText("paused").waitFor();
  const before = await tab.locator("caption").textContent();
  assert.equal((await send()).status, 202);
  assert.equal(await tab.locator("caption").textContent(), before);
});

test("a page that gets a day of points does not grow", async (t) => {
  const context = await openContext(t, started.browser, started.system);
  const tab = await context.newPage();
  await tab.clock.install();
  // The test gives the answers, so that a day takes only seconds.
  await tab.addInitScript(() => {
    const { fetch } = globalThis;
    let time = 1_700_000_000;
    const point = () => ({ time: (time += 5), connections: time % 100, messages: 1, deliveries: 2, callMean: 1, callP99: 2, lag: time % 7 });
    const answer = (value) => Promise.resolve(new Response(JSON.stringify(value)));
    globalThis.points = 0;
    globalThis.fetch = (path, options) => {
      if (String(path).startsWith("api/history")) {
        globalThis.points += 144;
        return answer({ step: 5, points: Array.from({ length: 144 }, point) });
      }
      return fetch(path, options);
    };
  });
  await tab.goto(started.system.dashboard);
  await tab.getByLabel("Access key").fill(KEY);
  await tab.keyboard.press("Enter");
  await tab.getByRole("heading", { name: "Limits" }).waitFor();
  const devtools = await context.newCDPSession(tab);
  const size = async () => {
    // What one collection only finds to be free, the next one frees.
    for (let times = 0; times < 3; times += 1) {
      await devtools.send("HeapProfiler.collectGarbage");
    }
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    const { nodes } = await devtools.send("Memory.getDOMCounters");
    return { usedSize, nodes };
  };
  await pass(tab, 2880);
  const first = await size();
  await pass(tab, 17_280);
  const last = await size();
  // If the page kept its points, 17,280 of them would take more than 1.5 MiB. Compiled code also takes some.
  assert.ok(last.usedSize < first.usedSize + 1024 * 1024, JSON.stringify({ first, last }));
  assert.ok(last.nodes < first.nodes + 200, JSON.stringify({ first, last }));
});

/** Lets time pass until the page has this many more points. */
async function pass(tab, count) {
  const end = count + (await tab.evaluate(() => globalThis.points));
  while ((await tab.evaluate(() => globalThis.points)) < end) {
    await tab.clock.runFor(5000);
  }
}
