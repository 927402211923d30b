// Stateful reconnect: a client whose connection is cut goes on where it was.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connectDirectly } from "./client.js";
import { startCutter } from "./cutter.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";

const MESSAGES = 5000;
const CUTS = 50;

let service;
before(async () => {
  service = await startServe({ args: ["--client-messages", "ignore"] });
});
after(() => service.stop());

/** A client behind a network of its own: `{ client, cutter }`. */
async function connectBehindCutter(t, options = {}) {
  const cutter = await startCutter(service.service);
  t.after(() => cutter.stop());
  const adapt = (builder) => builder.withStatefulReconnect();
  const client = await connectDirectly(service, { at: cutter.url, adapt, ...options });
  t.after(() => client.stop());
  return { client, cutter };
}

const send = async (path, ...args) => {
  const { status, text } = await rest(service, "POST", `${path}/:send`, { body: { target: "newMessage", arguments: args } });
  assert.equal(status, 202, text);
};

describe("stateful reconnect", { concurrency: true }, () => {
  for (const protocol of ["json", "messagepack"]) {
    test(`${protocol}: ${MESSAGES} messages over ${CUTS} cuts: all, in order, once, on one connection`, async (t) => {
      const user = `reader of ${protocol}`;
      const { client, cutter } = await connectBehindCutter(t, { protocol, user });
      const { id } = client;
      let wasClosed = false;
      client.closed.then(() => (wasClosed = true));
      client.connection.on("newMessage", (number) => {
        if (number % (MESSAGES / CUTS) === 50) {
          cutter.cuts % 2 === 0 ? cutter.cut() : cutter.cutInTheMiddle();
        }
      });
      for (let number = 0; number < MESSAGES; number += 1) {
        await send(`hubs/chat/users/${encodeURIComponent(user)}`, number, "x".repeat(number % 500));
      }
      await Promise.race([client.received(MESSAGES), client.closed.then((error) => assert.fail(`closed: ${error}`))]);
      assert.deepEqual(client.messages.map(([number]) => number), Array.from({ length: MESSAGES }, (_, index) => index));
      assert.equal(cutter.cuts, CUTS);
      assert.equal(client.id, id);
      assert.equal(wasClosed, false);
      t.diagnostic(`${client.messages.length} messages, ${cutter.cuts} cuts`);
    });
  }
});
