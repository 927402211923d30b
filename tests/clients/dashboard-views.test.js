// Each view of the dashboard in both themes, wide and narrow. PICTURES=FOLDER takes a picture of each.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectDirectly } from "./client.js";
import { beginTrace, findFaults, isNarrowEnough, joinGroup, joinHub, openContext, openDashboard, picture, row, show, startWithBrowser, VIEWS } from "./dashboard.js";
import { rest } from "./service.js";

const started = startWithBrowser();

for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of [[1280, 900], [400, 800]]) {
    test(`each view, ${colorScheme}, ${width} pixels wide: no serious fault`, async (t) => {
      const context = await openContext(t, started.browser, started.system, { colorScheme, viewport: { width, height } });
      const clients = [];
      for (const user of ["ann", "bob", undefined]) {
        clients.push(await joinHub(t, started.system, user, "views"));
      }
      for (const client of clients) {
        await joinGroup(started.system, client.id, "lobby", "views");
      }
      const entry = await context.newPage();
      await entry.goto(started.system.dashboard);
      await entry.getByLabel("Access key").waitFor();
      assert.deepEqual(await findFaults(entry), []);
      await picture(entry, `login-${colorScheme}-${width}`);
      const tab = await openDashboard(context, started.system);
      for (const view of [...VIEWS, "connection"]) {
        await show(tab, view, { hub: "views", ...(view === "connection" && { id: clients[0].id }) });
        await settled(tab, view);
        assert.deepEqual(await findFaults(tab), [], view);
        assert.ok(await isNarrowEnough(tab), `${view} is wider than the window`);
        await picture(tab, `${view}-${colorScheme}-${width}`);
      }
      if (process.env.PICTURES) {
        await busyPictures(tab, `${colorScheme}-${width}`);
      }
    });
  }
}

/** Waits until a view shows its content. */
async function settled(tab, view) {
  const sign = {
    overview: () => tab.getByRole("heading", { name: "Limits" }),
    trace: () => tab.getByRole("status").getByText("watching"),
    send: () => tab.getByLabel("Method"),
    access: () => tab.getByRole("button", { name: "Copy" }),
    connection: () => tab.getByRole("heading", { name: "Claims" }),
  };
  await (sign[view]?.() ?? tab.locator("tbody tr").first()).waitFor();
}

/** Takes pictures of views in which something happens. */
async function busyPictures(tab, name) {
  await beginTrace(tab, "", () => show(tab, "trace", {}));
  const client = await connectDirectly(started.system, { user: "carol", hub: "views" });
  await joinGroup(started.system, client.id, "lobby", "views");
  await rest(started.system, "POST", "hubs/views/groups/lobby/:send", { body: { target: "newMessage", arguments: ["hello"] } });
  await rest(started.system, "POST", "hubs/views/:send", { token: "x.y.z", body: { target: "newMessage", arguments: ["hello"] } });
  await client.connection.stop();
  await row(tab, "disconnect", "carol").waitFor();
  await picture(tab, `busy-trace-${name}`);
  await show(tab, "overview");
  await tab.getByText(/accepted, /).waitFor();
  await picture(tab, `busy-overview-${name}`);
}
