import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { broadcast, connect, stopAll } from "./client.js";
import { startDev } from "./system.js";

let system;
let client;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

const newMessage = (...args) => ({ target: "newMessage", arguments: args });

test("everybody connected gets a broadcast", async () => {
  const clients = await Promise.all([connect(system), connect(system), connect(system, { user: "ann" })]);
  const answer = await broadcast(system, newMessage("hi"));
  assert.equal(answer.status, 202);
  assert.deepEqual(answer.body, { results: [{ status: 202 }] });
  for (const each of clients) {
    assert.deepEqual(await each.allReceived(), [["hi"]]);
  }
  await stopAll(...clients);
});

test("arguments arrive as they were sent", async (t) => {
  const cases = {
    "no arguments": [],
    null: [null, [null], { nothing: null }],
    nested: [{ a: [{ b: [[], {}, [[1]]] }], c: { d: { e: true } } }],
    numbers: [0, -1, 1.5, 1e21, -1e-7, Number.MAX_SAFE_INTEGER],
    "texts that look like dates": ["2024-02-30", "2024-05-06T07:08:09.1234567+02:00", "2024-05-06T07:08:09Z"],
    unicode: ["é ü 漢字 🎉👩‍👩‍👧", "\u2028\u2029", "\u0000\u001e\u007f", '"\\/\b\f\n\r\t', "<b>&'", "\u202e"],
    "more than ten": Array.from({ length: 25 }, (_, index) => index),
    "a long text": ["x".repeat(300_000)],
  };
  client = await connect(system);
  for (const [name, args] of Object.entries(cases)) {
    await t.test(name, async () => {
      client.messages.length = 0;
      assert.equal((await broadcast(system, newMessage(...args))).status, 202);
      assert.deepEqual(await client.allReceived(), [args]);
    });
  }
  await client.stop();
});

// JavaScript reads these numbers as floats, so only the frame shows what really came.
test("the text of the arguments is passed on to the letter", async () => {
  client = await connect(system);
  const args = '[12345678901234567890123,-9007199254740993,1.0,1E5,0.10000000000000000555,{"z":1,"a":2},"\\u00e9"]';
  assert.equal((await broadcast(system, `{"target":"newMessage","arguments":${args}}`)).status, 202);
  await client.received(1);
  const raw = client.rawMessage("12345678901234567890123");
  assert.ok(raw.includes(`"arguments":${args}`), raw);
  await client.stop();
});

test("300 messages keep their order, one by one and in arrays", async () => {
  client = await connect(system);
  const expected = Array.from({ length: 300 }, (_, index) => [index]);
  for (const [index] of expected.slice(0, 150)) {
    assert.equal((await broadcast(system, newMessage(index))).status, 202);
  }
  for (const start of [150, 200, 250]) {
    const messages = expected.slice(start, start + 50).map((args) => newMessage(...args));
    assert.equal((await broadcast(system, messages)).status, 202);
  }
  assert.deepEqual(await client.allReceived(), expected);
  await client.stop();
});

test("another hub's clients get nothing", async () => {
  const both = await startDev({ args: ["--hub", "chat", "--hub", "news"] });
  const [chat, news] = [await connect(both), await connect(both, { hub: "news" })];
  await broadcast(both, newMessage("only chat"));
  assert.deepEqual(await chat.allReceived(), [["only chat"]]);
  assert.deepEqual(await news.allReceived(), []);
  await stopAll(chat, news);
  assert.equal(await both.stop(), 0);
});

test("one bad item among three: its index is named and nothing is sent", async (t) => {
  client = await connect(system);
  const bad = {
    "no target": { arguments: [1] },
    "an empty target": { target: "", arguments: [1] },
    "a target that is no text": { target: 7, arguments: [1] },
    "arguments that are no array": { target: "newMessage", arguments: "hi" },
    "an empty user": { ...newMessage(1), userId: "" },
    "a blank group": { ...newMessage(1), groupName: "  " },
    "no object": 3,
    null: null,
  };
  for (const [name, item] of Object.entries(bad)) {
    await t.test(name, async () => {
      const { status, type, body } = await broadcast(system, [newMessage("first"), item, newMessage("last")]);
      assert.equal(status, 400);
      assert.match(type, /application\/problem\+json/);
      assert.match(JSON.stringify(body), /\b1\b/, "the item's index");
      assert.deepEqual(await client.allReceived(), []);
      client.messages.length = 0;
    });
  }
  await client.stop();
});

test("a body that is no message is refused", async (t) => {
  for (const body of ["", "{", "3", '"text"', "null", "{}", '{"target":"a","arguments":[1,]}']) {
    await t.test(`body ${JSON.stringify(body)}`, async () => {
      const answer = await broadcast(system, body);
      assert.equal(answer.status, 400);
      assert.match(answer.type, /application\/problem\+json/);
      assert.ok(answer.body.detail?.length > 10, JSON.stringify(answer.body));
    });
  }
});
