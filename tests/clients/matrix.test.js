// The features that every client has, with any transport and protocol.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { broadcast, connect, groupAdmin, stopAll } from "./client.js";
import { rest } from "./service.js";
import { startDev } from "./system.js";
import { until } from "./until.js";
import { WAYS } from "./wire.js";

/** Each way has its own hub, so that all ways can be tested at the same time. */
const hubOf = (way) => `hub${WAYS.indexOf(way)}`;

let system;
before(async () => {
  system = await startDev({ args: [...WAYS.map(hubOf), "all"].flatMap((hub) => ["--hub", hub]) });
});
after(() => system.stop());

const soon = (builder) => builder.withAutomaticReconnect([0, 50, 100, 200]);
const newMessage = (...args) => ({ target: "newMessage", arguments: args });

const INTACT = {
  "no arguments": [],
  null: [null, [null], { nothing: null }],
  nested: [{ a: [{ b: [[], {}, [[1]]] }], c: { d: { e: true } } }],
  numbers: [0, -1, 1.5, 1e21, -1e-7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  "texts that look like dates": ["2024-02-30", "2024-05-06T07:08:09.1234567+02:00", "2024-05-06T07:08:09Z"],
  unicode: ["é ü 漢字 🎉👩‍👩‍👧", "\u2028\u2029", "\u0000\u001e\u007f", '"\\/\b\f\n\r\t', "<b>&'", "\u202e"],
  "more than ten": Array.from({ length: 25 }, (_, index) => index),
  "a long text": ["x".repeat(300_000)],
};

/** Integers that JavaScript reads as floats. Only the bytes on the wire show the real value. */
const LARGE = "9223372036854775807,-9223372036854775808,18446744073709551615";
const LARGE_PACKED = Buffer.from("cf7fffffffffffffff" + "d38000000000000000" + "cfffffffffffffffff", "hex");
/** JSON text that would change if it was parsed and written again on the way. */
const TO_THE_LETTER = '12345678901234567890123,1.0,1E5,0.10000000000000000555,{"z":1,"a":2},"\\u00e9"';

for (const way of WAYS) {
  describe(`${way.protocol} over ${way.transport}`, () => {
    const hub = hubOf(way);
    const join = (options) => connect(system, { hub, ...way, ...options });
    const send = async (message) => {
      const answer = await broadcast(system, message, hub);
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
    };
    const admin = async (...actions) => {
      const answer = await groupAdmin(system, actions, hub);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    };

    test("the transport is the one that was asked for", async () => {
      const client = await join();
      await send(newMessage("hi"));
      assert.deepEqual(await client.allReceived(), [["hi"]]);
      assert.equal(client.wire.transport, way.transport);
      await client.stop();
    });

    test("arguments arrive as they were sent", async (t) => {
      const client = await join();
      for (const [name, args] of Object.entries(INTACT)) {
        await t.test(name, async () => {
          client.messages.length = 0;
          await send(newMessage(...args));
          assert.deepEqual(await client.allReceived(), [args]);
        });
      }
      await client.stop();
    });

    test("large integers arrive exactly", async () => {
      const client = await join();
      await send(`{"target":"newMessage","arguments":[${LARGE}]}`);
      assert.equal((await client.allReceived())[0].length, 3);
      const expected = way.protocol === "json" ? Buffer.from(LARGE) : LARGE_PACKED;
      assert.ok(client.wire.frames.some((frame) => frame.includes(expected)));
      await client.stop();
    });

    test("JSON is passed on to the letter, and becomes the nearest there is in MessagePack", async () => {
      const client = await join();
      await send(`{"target":"newMessage","arguments":[${TO_THE_LETTER}]}`);
      assert.deepEqual(await client.allReceived(), [JSON.parse(`[${TO_THE_LETTER}]`)]);
      if (way.protocol === "json") {
        assert.ok(client.rawMessage("12345678901234567890123").includes(`"arguments":[${TO_THE_LETTER}]`));
      }
      await client.stop();
    });

    test("300 messages keep their order, one by one and in arrays", async () => {
      const client = await join();
      const expected = Array.from({ length: 300 }, (_, index) => [index]);
      for (const [index] of expected.slice(0, 150)) {
        await send(newMessage(index));
      }
      for (const start of [150, 200, 250]) {
        await send(expected.slice(start, start + 50).map((args) => newMessage(...args)));
      }
      assert.deepEqual(await client.allReceived(), expected);
      await client.stop();
    });

    test("users, groups by user and by connection, and the excluded", async () => {
      const clients = await Promise.all([join({ user: "ann" }), join({ user: "ann" }), join({ user: "bob" }), join()]);
      const [ann, annToo, bob, nobody] = clients;
      await admin(
        { action: "add", groupName: "room", userId: "bob" },
        { action: "add", groupName: "room", connectionId: nobody.id },
        { action: "add", groupName: "room", connectionId: ann.id },
        { action: "remove", groupName: "room", connectionId: ann.id },
      );
      await send({ ...newMessage("to ann"), userId: "ann" });
      await send({ ...newMessage("to one of ann's"), connectionId: annToo.id });
      await send({ ...newMessage("to the room"), groupName: "room" });
      await send({ ...newMessage("to the room but one"), groupName: "room", excluded: [bob.id] });
      await send({ ...newMessage("to all but two"), excluded: [annToo.id, nobody.id] });
      const received = await Promise.all(clients.map((client) => client.allReceived()));
      assert.deepEqual(received.map((messages) => messages.flat()), [
        ["to ann", "to all but two"],
        ["to ann", "to one of ann's"],
        ["to the room", "to all but two"],
        ["to the room", "to the room but one"],
      ]);
      await admin({ action: "removeAll", userId: "bob" });
      await stopAll(...clients);
    });

    test("a closed client is told the reason", async () => {
      const [closed, other] = [await join(), await join()];
      const path = `hubs/${hub}/connections/${closed.id}`;
      assert.equal((await rest(system, "DELETE", path, { query: { reason: "enough: é" } })).status, 200);
      assert.match((await closed.closed).message, /enough: é/);
      assert.equal((await rest(system, "HEAD", path)).status, 404);
      assert.deepEqual(await other.allReceived(), []);
      await other.stop();
    });

    test("a closed client that reconnects is told the reason, and is another connection", async () => {
      const client = await join({ adapt: soon });
      const { id } = client;
      await rest(system, "DELETE", `hubs/${hub}/connections/${id}`, { query: { reason: "come back" } });
      assert.match((await client.reconnecting).message, /come back/);
      assert.notEqual(await client.reconnected, id);
      await send(newMessage("again"));
      assert.deepEqual(await client.allReceived(), [["again"]]);
      await client.stop();
    });

    test("a client that stops is gone for the service", async () => {
      const client = await join();
      const path = `hubs/${hub}/connections/${client.id}`;
      assert.equal((await rest(system, "HEAD", path)).status, 200);
      await client.stop();
      assert.equal(await client.closed, undefined);
      await until(async () => (await rest(system, "HEAD", path)).status === 404);
    });
  });
}

test("one message reaches the clients of every way", async () => {
  const clients = await Promise.all(WAYS.map((way) => connect(system, { hub: "all", ...way })));
  const answer = await broadcast(system, newMessage("hi", { to: ["all"] }), "all");
  assert.equal(answer.status, 202);
  for (const client of clients) {
    assert.deepEqual(await client.allReceived(), [["hi", { to: ["all"] }]]);
  }
  await stopAll(...clients);
});
