// Calls of clients to the upstream and their answers, with any transport and protocol of the client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect, groupAdmin, stopAll } from "./client.js";
import { startDev } from "./system.js";
import { WAYS } from "./wire.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

for (const way of WAYS) {
  test(`${way.protocol} over ${way.transport}: a call is answered when its message has been sent`, async () => {
    const [ann, bob] = [await connect(system, { ...way, user: "ann" }), await connect(system, way)];
    const room = `${way.protocol} over ${way.transport}`;
    await groupAdmin(system, { action: "add", groupName: room, connectionId: bob.id });
    const texts = Array.from({ length: 30 }, (_, index) => `${index}: é 🎉`);
    for (const text of texts.slice(0, 15)) {
      assert.equal(await ann.connection.invoke("send", "somebody else", room, text), null);
    }
    for (const text of texts.slice(15)) {
      await ann.connection.send("send", "somebody else", room, text);
    }
    await bob.received(texts.length);
    assert.deepEqual(bob.messages.map(([{ from, text }]) => [from, text]), texts.map((text) => ["ann", text]));
    await stopAll(ann, bob);
  });

  test(`${way.protocol} over ${way.transport}: a call that fails is told why, and the connection stays`, async () => {
    const client = await connect(system, way);
    await assert.rejects(client.connection.invoke("send", "me", "room", " "), /the text is blank/);
    await assert.rejects(client.connection.invoke("send", "me"), /do not fit the method/);
    await assert.rejects(client.connection.invoke("nothing"), /nothing|404/);
    assert.deepEqual(await client.allReceived(), []);
    await client.stop();
  });
}
