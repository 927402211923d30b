// Stateful reconnect: a client whose connection is cut continues without a loss.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connectDirectly } from "./client.js";
import { startCutter } from "./cutter.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";
import { until } from "./until.js";

const MESSAGES = 5000;
const CUTS = 50;

let service;
before(async () => {
  service = await startServe({ args: ["--client-messages", "ignore"] });
});
after(() => service.stop());

/** A client behind its own network: `{ client, cutter }`. */
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
      let next = 0;
      client.connection.on("newMessage", (number) => {
        if (cutter.cuts < CUTS && number >= next) {
          // The bound is less than an even share, because some cuts hit a connection that is already cut.
          next = number + MESSAGES / CUTS / 2;
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

  for (const protocol of ["json", "messagepack"]) {
    test(`${protocol}: results of client methods come back once, whatever is cut`, async (t) => {
      const { client, cutter } = await connectBehindCutter(t, { protocol });
      const called = [];
      client.connection.on("double", (number) => {
        called.push(number);
        if (number % 20 === 10) {
          cutter.cuts % 2 === 0 ? cutter.cut() : cutter.cutInTheMiddle();
        }
        return { twice: 2 * number };
      });
      const path = `hubs/chat/connections/${client.id}/:invoke`;
      const invoke = async (number) => {
        const { status, text } = await rest(service, "POST", path, { body: { target: "double", arguments: [number] } });
        assert.deepEqual([status, JSON.parse(text)], [200, { result: { twice: 2 * number } }]);
      };
      const numbers = Array.from({ length: 400 }, (_, index) => index);
      for (let start = 0; start < numbers.length; start += 10) {
        await Promise.all(numbers.slice(start, start + 10).map(invoke));
      }
      assert.deepEqual(called.toSorted((one, other) => one - other), numbers);
      assert.ok(cutter.cuts >= 10, `${cutter.cuts} cuts`);
    });

    test(`${protocol}: calls of the client are answered, whatever is cut`, async (t) => {
      const { client, cutter } = await connectBehindCutter(t, { protocol });
      for (let number = 0; number < 400; number += 10) {
        const calls = Array.from({ length: 10 }, (_, index) => client.connection.invoke("shout", number + index));
        number % 20 === 0 ? cutter.cut() : cutter.cutInTheMiddle();
        for (const call of calls) {
          await assert.rejects(call, /'shout' was not called/);
        }
      }
      assert.ok(cutter.cuts >= 20, `${cutter.cuts} cuts`);
    });
  }

  test("40 MB at once are no trouble for a client that reads", async (t) => {
    const { client } = await connectBehindCutter(t, { user: "large" });
    const large = "x".repeat(100_000);
    for (let number = 0; number < 400; number += 1) {
      await send("hubs/chat/users/large", number, large);
    }
    await Promise.race([client.received(400), client.closed.then((error) => assert.fail(`closed: ${error}`))]);
    assert.deepEqual(client.messages.map(([number]) => number), Array.from({ length: 400 }, (_, index) => index));
  });

  test("who is away for more than 30 seconds is gone", async (t) => {
    const { client, cutter } = await connectBehindCutter(t);
    const exists = async () => (await rest(service, "HEAD", `hubs/chat/connections/${client.id}`)).status === 200;
    cutter.hold();
    const start = Date.now();
    await until(async () => !(await exists()));
    const away = (Date.now() - start) / 1000;
    assert.ok(away > 25, `gone after ${away} s`);
    cutter.release();
    assert.ok((await client.closed) instanceof Error);
  });
});
