// How a stock client finds its transport.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HttpTransportType } from "@microsoft/signalr";
import { broadcast, connect, connectDirectly } from "./client.js";
import { startDev } from "./system.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

class Broken {
  constructor() {
    throw new Error("this machine cannot");
  }
}
const { ServerSentEvents, LongPolling } = HttpTransportType;

const EXPECTED = {
  "nothing in the way": [{}, "WebSockets"],
  "no WebSockets wanted": [{ http: { transport: ServerSentEvents | LongPolling } }, "ServerSentEvents"],
  "WebSockets broken": [{ http: { WebSocket: Broken } }, "ServerSentEvents"],
  "WebSockets and events broken": [{ http: { WebSocket: Broken, EventSource: Broken } }, "LongPolling"],
  "WebSockets broken, and a protocol that events cannot carry": [
    { http: { WebSocket: Broken }, protocol: "messagepack" },
    "LongPolling",
  ],
};

for (const [name, [options, transport]] of Object.entries(EXPECTED)) {
  test(`${name}: ${transport}`, async () => {
    const client = await connect(system, options);
    await broadcast(system, { target: "newMessage", arguments: ["hi"] });
    assert.deepEqual(await client.allReceived(), [["hi"]]);
    assert.equal(client.wire.transport, transport);
    await client.stop();
  });
}

test("WebSockets without negotiation", async () => {
  for (const protocol of ["json", "messagepack"]) {
    const options = { protocol, user: "ann", transport: "WebSockets", http: { skipNegotiation: true } };
    const client = await connectDirectly(system, options);
    assert.equal(client.id, null);
    await broadcast(system, { target: "newMessage", arguments: ["hi"], userId: "ann" });
    assert.deepEqual(await client.allReceived(), [["hi"]]);
    await client.stop();
  }
});

test("MessagePack over Server-Sent Events: the stock client does not try", async () => {
  const way = { transport: "ServerSentEvents", protocol: "messagepack" };
  await assert.rejects(connect(system, way), /ServerSentEvents' does not support Binary/);
});
