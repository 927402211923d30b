// Stock clients behind real proxies. A client that may choose its transport always connects, in a short time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "./client.js";
import { PROXIES, startProxy } from "./proxies.js";
import { rest, sign } from "./service.js";
import { startServe } from "./system.js";

/** How long a client may take to connect. The assertion adds time for a busy machine. */
const SOON = 3_000;
const BUSY = 10;

let system;
before(async () => {
  // Tokens are signed for the endpoint's own host, whatever host the proxy has or forwards.
  system = await startServe({ args: ["--host", "endpoint.test"] });
});
after(() => system.stop());

/** A client that connects through the proxy, with a token for the endpoint. */
function through(proxy, prefix, options = {}) {
  const accessTokenFactory = () => sign(system, { aud: "https://endpoint.test/client/?hub=chat" });
  const url = `http://127.0.0.1:${proxy.port}${prefix}/client/?hub=chat`;
  return connect(system, { url, hub: "chat", http: { accessTokenFactory }, ...options });
}

async function hears(client) {
  const body = { target: "newMessage", arguments: ["hi"] };
  assert.equal((await rest(system, "POST", `hubs/chat/connections/${client.id}/:send`, { body })).status, 202);
  assert.deepEqual(await client.received(1), [["hi"]]);
}

for (const name of Object.keys(PROXIES)) {
  test(`${name} as it is by default: a client that may choose connects`, async () => {
    const proxy = await startProxy(name, "plain", system.service);
    try {
      const start = Date.now();
      const client = await through(proxy, "");
      const took = Date.now() - start;
      await hears(client);
      await client.stop();
      assert.ok(took < SOON * BUSY, `${took} ms`);
      console.log(`${name}: ${client.wire.transport} in ${took} ms`);
    } finally {
      await proxy.stop();
    }
  });

  test(`${name} as recommended: every transport, behind a path that is stripped`, async () => {
    const proxy = await startProxy(name, "recommended", system.service);
    try {
      const chosen = await through(proxy, "/realtime");
      assert.equal(chosen.wire.transport, "WebSockets");
      await hears(chosen);
      await chosen.stop();
      for (const transport of ["ServerSentEvents", "LongPolling"]) {
        const client = await through(proxy, "/realtime", { transport });
        await hears(client);
        await client.stop();
      }
    } finally {
      await proxy.stop();
    }
  });
}
