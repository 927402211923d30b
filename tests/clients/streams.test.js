// Streams that a client asks for. REST sends their items.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectDirectly } from "./client.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";
import { WAYS } from "./wire.js";

let service;
before(async () => {
  service = await startServe({ args: ["--client-messages", "ignore"] });
});
after(() => service.stop());

/** Asks for a stream: `{ id, items, ended }`. `ended` resolves with the error, or with nothing. */
function openStream(client, id) {
  const items = [];
  const ended = new Promise((resolve) => {
    const next = (item) => items.push(item);
    client.connection.stream("count", 3).subscribe({ next, complete: () => resolve(), error: resolve });
  });
  // Stock JavaScript clients number their calls from 0.
  return { id, items, ended };
}

for (const way of WAYS) {
  test(`${way.protocol} over ${way.transport}: items in order, then the end`, async () => {
    const client = await connectDirectly(service, way);
    const stream = (id, action, options) =>
      rest(service, "POST", `hubs/chat/connections/${client.id}/streams/${id}/${action}`, options);
    const accepted = async (...call) => assert.equal((await stream(...call)).status, 202);
    const [one, other, failing] = [openStream(client, "0"), openStream(client, "1"), openStream(client, "2")];
    const values = [1, "é", null, { a: [1, 2] }, [], false];
    for (const value of values) {
      await accepted(one.id, ":send", { body: value });
    }
    await accepted(other.id, ":send", { body: "the only one", query: { completed: "true" } });
    await accepted(one.id, ":complete");
    await accepted(failing.id, ":send", { body: 1 });
    await accepted(failing.id, ":complete", { query: { reason: "it broke: é" } });
    assert.equal(await one.ended, undefined);
    assert.equal(await other.ended, undefined);
    assert.match((await failing.ended).message, /it broke: é/);
    assert.deepEqual([one.items, other.items, failing.items], [values, ["the only one"], [1]]);
    await client.stop();
  });

  test(`${way.protocol} over ${way.transport}: a call is answered with an error, and the connection stays`, async () => {
    const client = await connectDirectly(service, way);
    await assert.rejects(client.connection.invoke("shout", 1), /shout/);
    await client.connection.send("shout", 2);
    const { status } = await rest(service, "POST", "hubs/chat/:send", { body: { target: "newMessage", arguments: ["hi"] } });
    assert.equal(status, 202);
    assert.deepEqual(await client.received(1), [["hi"]]);
    await client.stop();
  });
}

test("a stream of a client that is not there", async () => {
  const path = "hubs/chat/connections/nobody/streams/0/:send";
  assert.equal((await rest(service, "POST", path, { body: 1 })).status, 404);
});
