// The behaviour of clients when the service ends and starts again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { broadcast, connect, stopAll } from "./client.js";
import { portOf, startDev } from "./system.js";
import { WAYS } from "./wire.js";

const persistent = (builder) => builder.withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 50 });

for (const [name, signal] of Object.entries({ "an orderly end": "SIGTERM", "a crash": "SIGKILL" })) {
  test(`clients of every way are there again after ${name}`, async () => {
    let system = await startDev();
    const clients = await Promise.all(WAYS.map((way) => connect(system, { ...way, adapt: persistent })));
    const ids = clients.map((client) => client.id);
    const ports = { port: portOf(system.page), servicePort: portOf(system.service) };
    await system.stop(signal);
    const reasons = await Promise.all(clients.map((client) => client.reconnecting));
    if (signal === "SIGTERM") {
      reasons.forEach((reason) => assert.match(reason.message, /shutting down/));
    }
    system = await startDev(ports);
    const newIds = await Promise.all(clients.map((client) => client.reconnected));
    assert.equal(new Set([...ids, ...newIds]).size, 2 * clients.length);
    assert.equal((await broadcast(system, { target: "newMessage", arguments: ["we are back"] })).status, 202);
    for (const client of clients) {
      client.system = system;
      assert.deepEqual(await client.allReceived(), [["we are back"]]);
    }
    await stopAll(...clients);
    assert.equal(await system.stop(), 0);
  });
}
