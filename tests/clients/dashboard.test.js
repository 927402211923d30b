// The dashboard in a real browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectDirectly } from "./client.js";
import { beginTrace, isNarrowEnough, joinGroup, joinHub, KEY, openContext, openDashboard, row, show, startWithBrowser } from "./dashboard.js";
import { clientUrl, rest, sign } from "./service.js";
import { portOf, startDev, startServe } from "./system.js";
import { until } from "./until.js";

const started = startWithBrowser();

test("a connection comes, gets a message for its group, is seen in the trace, and is closed", async (t) => {
  const context = await openContext(t, started.browser, started.system);
  const tab = await context.newPage();
  await tab.goto(started.system.dashboard);
  await tab.getByLabel("Access key").fill("nope");
  await tab.keyboard.press("Enter");
  await tab.getByRole("alert").getByText("not an access key").waitFor();
  await tab.getByLabel("Access key").fill(started.system.connectionString);
  await tab.keyboard.press("Enter");
  await tab.getByRole("heading", { name: "Overview" }).waitFor();

  await beginTrace(tab, "", () => tab.getByRole("link", { name: "Live trace" }).click());
  await tab.getByRole("status").getByText("watching").waitFor();
  const ann = await joinHub(t, started.system, "ann");
  await row(tab, "connect", "ann", ann.id).waitFor();
  await joinGroup(started.system, ann.id, "news");
  await row(tab, "group", "news", "join").waitFor();

  const sender = await openDashboardBeside(context);
  await show(sender, "send", { hub: "chat", kind: "group", name: "news" });
  await sender.getByLabel("Arguments").fill('["from the dashboard", 1]');
  await sender.getByRole("button", { name: "Send" }).click();
  await sender.getByText("Sent at").waitFor();
  await row(tab, "message", "news", "newMessage").waitFor();
  await until(() => ann.messages.length === 1);
  assert.deepEqual(ann.messages, [["from the dashboard", 1]]);

  await tab.getByLabel("Group", { exact: true }).fill("news");
  await beginTrace(tab, "group=news", () => tab.getByRole("button", { name: "Filter" }).click());
  const bob = await joinHub(t, started.system, "bob");
  await sender.getByRole("button", { name: "Send" }).click();
  await row(tab, "message", "news").waitFor();
  assert.equal(await row(tab, "bob").count(), 0);

  await show(sender, "connections", { hub: "chat" });
  await sender.getByRole("link", { name: ann.id }).click();
  await sender.getByText("asrs.s.uid").waitFor();
  await sender.getByRole("link", { name: "news" }).waitFor();
  const ended = new Promise((resolve) => ann.connection.onclose(resolve));
  await sender.getByRole("button", { name: "Close the connection" }).click();
  await sender.getByRole("button", { name: "Really close it" }).click();
  await sender.getByRole("alert").getByText("the connection is not open").waitFor();
  await ended;
  assert.equal(bob.connection.state, "Connected");

  await beginTrace(tab, "user=bob", () => show(tab, "trace", { user: "bob" }));
  await bob.connection.stop();
  await row(tab, "disconnect", "bob").waitFor();
  const download = tab.waitForEvent("download");
  await tab.getByRole("button", { name: "Download" }).click();
  const stream = await (await download).createReadStream();
  const lines = (await stream.toArray()).join("").trim().split("\n").map(JSON.parse);
  assert.deepEqual(lines.map(({ kind, user }) => [kind, user]), [["disconnect", "bob"]]);
});

/** A second tab. The login of the first tab is valid in it too. */
async function openDashboardBeside(context) {
  const tab = await context.newPage();
  await tab.goto(started.system.dashboard);
  await tab.getByRole("heading", { name: "Overview" }).waitFor();
  return tab;
}

const HOSTILE = [
  ["<img src=x onerror=\"document.title='broken in'\">", "<img src=x"],
  ["\u202egro.live\u2066", "U+202Egro.liveU+2066"],
  ["tab\tbell\u0007", "U+0009bellU+0007"],
  ["x".repeat(1000), "xxxx"],
  ["a/b?c#d&e=f%20;+", "a/b?c#d&e=f%20;+"],
];

test("names are shown as text in every view, whatever they are", async (t) => {
  const context = await openContext(t, started.browser, started.system, { viewport: { width: 400, height: 800 } });
  const tab = await openDashboard(context, started.system, "trace");
  await tab.getByRole("status").getByText("watching").waitFor();
  for (const [name, shown] of HOSTILE) {
    const client = await joinHub(t, started.system, name, "hostile");
    await joinGroup(started.system, client.id, name, "hostile");
    await row(tab, "group", shown, client.id).waitFor();
  }
  for (const [name, shown] of HOSTILE) {
    for (const view of ["users", "groups"]) {
      await show(tab, view, { hub: "hostile", search: name });
      await row(tab, shown).waitFor();
      await until(async () => (await tab.locator("tbody tr").count()) === 1);
    }
    for (const by of ["user", "group"]) {
      await show(tab, "connections", { hub: "hostile", [by]: name });
      await row(tab, shown).waitFor();
    }
    await tab.locator("tbody tr a").first().click();
    await tab.getByRole("heading", { name: "Claims" }).waitFor();
    await tab.locator("dd").filter({ hasText: shown }).first().waitFor();
    assert.ok(await isNarrowEnough(tab), `${shown} is wider than the window`);
    await show(tab, "send", { hub: "hostile", kind: "user", name });
    assert.equal(await tab.getByLabel("Name of the user").inputValue(), name);
  }
  assert.equal(await tab.locator("img").count(), 0);
  assert.match(await tab.title(), /dashboard/);
});

test("methods and claims are shown as text, whatever they are, and so is the longest hub", async (t) => {
  const context = await openContext(t, started.browser, started.system, { viewport: { width: 400, height: 800 } });
  const tab = await openDashboard(context, started.system, "trace");
  await tab.getByRole("status").getByText("watching").waitFor();
  const hub = "h_`,.[]" + "h".repeat(121);
  const url = clientUrl(started.system, hub);
  const note = HOSTILE.map(([text]) => text);
  const accessTokenFactory = () => sign(started.system, { aud: url, "asrs.s.uid": "ann", note });
  const join = async () => {
    const client = await connectDirectly(started.system, { hub, http: { accessTokenFactory } });
    t.after(() => client.connection.stop());
    return client;
  };
  for (const [method, shown] of HOSTILE) {
    const { status } = await rest(started.system, "POST", `hubs/${hub}/:send`, { body: { target: method, arguments: [] } });
    assert.equal(status, 202);
    await row(tab, "message", shown, hub).waitFor();
    // Without an upstream, a call ends the connection.
    const caller = await join();
    await assert.rejects(caller.connection.invoke(method));
    await row(tab, "call", shown, hub).waitFor();
  }
  assert.ok(await isNarrowEnough(tab), "the trace is wider than the window");
  const client = await join();
  await show(tab, "hubs");
  await row(tab, hub).waitFor();
  assert.ok(await isNarrowEnough(tab), "the hubs are wider than the window");
  await show(tab, "connection", { hub, id: client.id });
  await tab.getByRole("heading", { name: "Claims" }).waitFor();
  for (const [, shown] of HOSTILE) {
    await tab.locator("dd").filter({ hasText: shown }).first().waitFor();
  }
  assert.ok(await isNarrowEnough(tab), "the claims are wider than the window");
  assert.equal(await tab.locator("img").count(), 0);
  assert.match(await tab.title(), /dashboard/);
});

test("a service that restarts: the page goes on, and so do its login and its trace", async (t) => {
  let restarted = await startServe({ args: ["--admin-port", 0, "--dashboard"] });
  t.after(() => restarted.stop());
  const ports = { port: portOf(restarted.service), args: ["--admin-port", portOf(restarted.admin), "--dashboard"] };
  const context = await openContext(t, started.browser, restarted);
  const [overview, trace] = [await openDashboard(context, restarted), await context.newPage()];
  await trace.goto(`${restarted.dashboard}#/trace`);
  await trace.getByRole("status").getByText("watching").waitFor();
  await restarted.stop();
  await overview.getByRole("alert").getByText("trying again").waitFor();
  await trace.getByRole("status").getByText("trying again").waitFor();
  restarted = await startServe(ports);
  await trace.getByRole("status").getByText("watching").waitFor();
  await overview.getByRole("alert").getByText("trying again").waitFor({ state: "hidden" });
  const client = await connectDirectly(restarted, { user: "ann" });
  t.after(() => client.connection.stop());
  await row(trace, "connect", "ann").waitFor();
});

test("wrong keys are slow and logged, and keep nobody out", async () => {
  const url = new URL("api/login", started.system.dashboard);
  const log = (key) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ key }) });
  const failures = () => started.system.stderr.filter((line) => line.includes("a login to the dashboard is refused")).length;
  const begin = performance.now();
  const tries = Array.from({ length: 16 }, async (_, lane) => {
    for (let number = 0; number < 5; number += 1) {
      assert.equal((await log(`wrong ${lane} ${number}`)).status, 401);
    }
  });
  const owner = await log(KEY);
  assert.equal(owner.status, 200);
  await Promise.all(tries);
  // 80 tries, at 4 in a quarter of a second.
  assert.ok(performance.now() - begin > 4500);
  await until(() => failures() > 0);
});

test("signalr dev has the dashboard beside the chat page", async (t) => {
  const dev = await startDev();
  t.after(() => dev.stop());
  assert.equal(dev.dashboard, new URL("/dashboard/", dev.page).href);
  const context = await openContext(t, started.browser, dev);
  const tab = await openDashboard(context, dev, "access");
  await tab.getByRole("button", { name: "Show" }).click();
  await until(async () => (await tab.getByLabel("Connection string").inputValue()) === dev.connectionString);
});
