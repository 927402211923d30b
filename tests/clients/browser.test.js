// The stock browser client in Chromium, over each transport.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { broadcast, groupAdmin } from "./client.js";
import { launchChromium } from "./chromium.js";
import { rest } from "./service.js";
import { startDev } from "./system.js";
import { WAYS } from "./wire.js";

const SCRIPTS = ["signalr/dist/browser/signalr.js", "signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js"];

let system;
let browser;
before(async () => {
  system = await startDev();
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await system?.stop();
});

/** A tab of the functions' origin with a client in it. In the page the client is `client`. */
async function openTab(t, way) {
  const tab = await browser.newPage();
  t.after(() => tab.close());
  await tab.goto(new URL("/api/nothing", system.page).href);
  for (const script of SCRIPTS) {
    await tab.addScriptTag({ path: fileURLToPath(new URL(`node_modules/@microsoft/${script}`, import.meta.url)) });
  }
  const id = await tab.evaluate(start, way);
  return { tab, id };
}

/** This function runs in the page. */
async function start({ transport, protocol }) {
  const { signalR } = window;
  const builder = new signalR.HubConnectionBuilder()
    .withUrl("/api/chat?user=ann", { transport: signalR.HttpTransportType[transport] })
    .configureLogging(signalR.LogLevel.None);
  if (protocol === "messagepack") {
    builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
  }
  const connection = builder.build();
  window.client = { connection, messages: [] };
  connection.on("newMessage", (...args) => window.client.messages.push(args));
  connection.on("double", (number) => 2 * number);
  connection.onclose((error) => (window.client.reason = error?.message ?? "none"));
  await connection.start();
  return connection.connectionId;
}

const ARGUMENTS = [null, { nested: [[1.5, true]] }, "é 🎉 \u2028", "2024-05-06T07:08:09Z", Number.MAX_SAFE_INTEGER, 6, 7, 8, 9, 10, 11];

for (const way of WAYS) {
  test(`${way.protocol} over ${way.transport}: sends, a result, a reason`, async (t) => {
    const { tab, id } = await openTab(t, way);
    const send = async (...args) => {
      const answer = await broadcast(system, { target: "newMessage", arguments: args, userId: "ann" });
      assert.equal(answer.status, 202);
    };
    await send(...ARGUMENTS);
    for (let number = 0; number < 100; number += 1) {
      await send(number);
    }
    await tab.waitForFunction(() => window.client.messages.length === 101);
    const expected = [ARGUMENTS, ...Array.from({ length: 100 }, (_, index) => [index])];
    assert.deepEqual(await tab.evaluate(() => window.client.messages), expected);

    await groupAdmin(system, { action: "add", groupName: way.transport, connectionId: id });
    await broadcast(system, { target: "newMessage", arguments: ["to the group"], groupName: way.transport });
    await tab.waitForFunction(() => window.client.messages.at(-1)[0] === "to the group");

    const body = { target: "double", arguments: [21] };
    const { text } = await rest(system, "POST", `hubs/chat/connections/${id}/:invoke`, { body });
    assert.deepEqual(JSON.parse(text), { result: 42 });

    await rest(system, "DELETE", `hubs/chat/connections/${id}`, { query: { reason: "enough: é" } });
    await tab.waitForFunction(() => window.client.reason !== undefined);
    assert.match(await tab.evaluate(() => window.client.reason), /enough: é/);
  });
}
