import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { broadcast, connect, groupAdmin, stopAll } from "./client.js";
import { startDev } from "./system.js";

let system;
let ann;
let annToo;
let bob;
let nobody;
before(async () => {
  system = await startDev();
});
beforeEach(async () => {
  [ann, annToo, bob, nobody] = await Promise.all([
    connect(system, { user: "ann" }),
    connect(system, { user: "ann" }),
    connect(system, { user: "bob" }),
    connect(system),
  ]);
});
afterEach(() => stopAll(ann, annToo, bob, nobody));
after(() => system.stop());

const send = async (text, target) => {
  const answer = await broadcast(system, { target: "newMessage", arguments: [text], ...target });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
};
const admin = async (action) => {
  const answer = await groupAdmin(system, action);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body.results;
};
/** Checks that exactly these clients got exactly these texts. */
const assertReceived = async (texts, ...receivers) => {
  for (const client of [ann, annToo, bob, nobody]) {
    const expected = receivers.includes(client) ? texts.map((text) => [text]) : [];
    assert.deepEqual(await client.allReceived(), expected);
  }
};

test("a user's message reaches all of the user's connections, and nobody else", async () => {
  await send("to ann", { userId: "ann" });
  await assertReceived(["to ann"], ann, annToo);
});

test("a connection's message reaches that one connection", async () => {
  await send("to one", { connectionId: annToo.id });
  await assertReceived(["to one"], annToo);
});

test("a group by connection", async () => {
  await admin({ action: "add", groupName: "room", connectionId: ann.id });
  await admin({ action: "add", groupName: "room", connectionId: nobody.id });
  await send("in", { groupName: "room" });
  await admin({ action: "remove", groupName: "room", connectionId: nobody.id });
  await send("still in", { groupName: "room" });
  assert.deepEqual(await nobody.allReceived(), [["in"]]);
  assert.deepEqual(await ann.allReceived(), [["in"], ["still in"]]);
  assert.deepEqual(await bob.allReceived(), []);
});

test("a group by user has the user's connections, also later ones", async () => {
  await admin({ action: "add", groupName: "team", userId: "bob" });
  const bobLater = await connect(system, { user: "bob" });
  await send("to the team", { groupName: "team" });
  assert.deepEqual(await bobLater.allReceived(), [["to the team"]]);
  await bobLater.stop();
  await assertReceived(["to the team"], bob);
  await admin({ action: "remove", groupName: "team", userId: "bob" });
});

test("a user can be taken out of all groups", async () => {
  await admin([
    { action: "add", groupName: "one", userId: "bob" },
    { action: "add", groupName: "two", userId: "bob" },
    { action: "removeAll", userId: "bob" },
  ]);
  await send("one", { groupName: "one" });
  await send("two", { groupName: "two" });
  await assertReceived([]);
});

test("check says whether a user is in a group, and who is there", async () => {
  await admin({ action: "add", groupName: "known", userId: "bob" });
  const [inside, outside] = await admin([
    { action: "check", groupName: "known", userId: "bob" },
    { action: "check", groupName: "known", userId: "ann" },
  ]);
  assert.equal(inside.exists, true);
  assert.equal(outside.exists, false);
  await admin({ action: "remove", groupName: "known", userId: "bob" });
});

test("the excluded get nothing", async () => {
  await send("to all but two", { excluded: [ann.id, nobody.id] });
  await assertReceived(["to all but two"], annToo, bob);
});

test("the excluded get nothing in a group either", async () => {
  await admin([ann, annToo, bob].map(({ id }) => ({ action: "add", groupName: "café/1 ?#", connectionId: id })));
  await send("to the others", { groupName: "café/1 ?#", excluded: [bob.id] });
  await assertReceived(["to the others"], ann, annToo);
});

test("names count case, and odd names are names", async () => {
  await send("no", { userId: "ANN" });
  await assertReceived([]);
  const odd = await connect(system, { user: "ü/%2F ?&#:+" });
  await send("yes", { userId: "ü/%2F ?&#:+" });
  assert.deepEqual(await odd.allReceived(), [["yes"]]);
  await odd.stop();
});

test("connection goes before user, user before group", async () => {
  await send("to one", { connectionId: bob.id, userId: "ann", groupName: "any" });
  await assertReceived(["to one"], bob);
});

test("a bad action among three: its index is named and nothing is done", async () => {
  const bad = {
    "an unknown action": { action: "join", groupName: "g", userId: "u" },
    "no group": { action: "add", userId: "u" },
    "nobody to add": { action: "add", groupName: "g" },
    "a lifetime that is not a number": { action: "add", groupName: "g", userId: "u", ttl: "long" },
  };
  for (const [name, item] of Object.entries(bad)) {
    const good = { action: "add", groupName: "untouched", connectionId: bob.id };
    const { status, type, body } = await groupAdmin(system, [good, good, item]);
    assert.equal(status, 400, name);
    assert.match(type, /application\/problem\+json/);
    assert.match(JSON.stringify(body), /\b2\b/, `the item's index: ${name}`);
  }
  await send("nobody is there", { groupName: "untouched" });
  await assertReceived([]);
});
