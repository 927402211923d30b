// Stock JavaScript clients of earlier major versions, which are still in use.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { broadcast } from "./client.js";
import { rest } from "./service.js";
import { startDev } from "./system.js";

// If `fetch` exists, version 5 behaves as in a browser, where this is the name of the global object.
globalThis.self ??= globalThis;

const require = createRequire(import.meta.url);
const VERSIONS = ["signalr-3", "signalr-5", "signalr-6", "signalr-7", "signalr-8", "signalr-9"];
const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

for (const name of VERSIONS) {
  const { HttpTransportType, HubConnectionBuilder, LogLevel, VERSION } = require(name);
  for (const transport of TRANSPORTS) {
    test(`${VERSION} over ${transport}`, async () => {
      const connection = new HubConnectionBuilder()
        .withUrl(new URL("/api/chat?user=ann", system.page).href, { transport: HttpTransportType[transport] })
        .configureLogging(LogLevel.None)
        .build();
      const messages = [];
      const arrived = new EventEmitter();
      connection.on("newMessage", (...args) => {
        messages.push(args);
        arrived.emit("message");
      });
      const closed = new Promise((resolve) => connection.onclose(resolve));
      await connection.start();
      const args = ["é 🎉", null, [{ a: 1 }], "2024-05-06T07:08:09Z"];
      await broadcast(system, { target: "newMessage", arguments: args });
      await broadcast(system, { target: "newMessage", arguments: ["to ann"], userId: "ann" });
      while (messages.length < 2) {
        await once(arrived, "message");
      }
      assert.deepEqual(messages, [args, ["to ann"]]);
      await rest(system, "POST", "hubs/chat/:closeConnections", { query: { reason: "enough" } });
      assert.match((await closed).message, /enough/);
    });
  }
}
