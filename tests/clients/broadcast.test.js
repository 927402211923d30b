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
    "a target that is not text": { target: 7, arguments: [1] },
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

test("a body that is not a message is refused", async (t) => {
  for (const body of ["", "{", "3", '"text"', "null", "{}", '{"target":"a","arguments":[1,]}']) {
    await t.test(`body ${JSON.stringify(body)}`, async () => {
      const answer = await broadcast(system, body);
      assert.equal(answer.status, 400);
      assert.match(answer.type, /application\/problem\+json/);
      assert.ok(answer.body.detail?.length > 10, JSON.stringify(answer.body));
    });
  }
});
