import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect, connectDirectly, stopAll } from "./client.js";
import { rest } from "./service.js";
import { startDev, startServe } from "./system.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

test("a closed connection is told the reason, and that it may come back", async () => {
  const [closed, other] = [await connect(system), await connect(system)];
  const answer = await rest(system, "DELETE", `hubs/chat/connections/${closed.id}`, { query: { reason: "enough: é" } });
  assert.equal(answer.status, 200, answer.text);
  assert.match((await closed.closed).message, /enough: é/);
  assert.deepEqual(JSON.parse(closed.rawMessage('"type":7')), { type: 7, error: "enough: é", allowReconnect: true });
  assert.deepEqual(await other.allReceived(), []);
  await stopAll(other);
});

test("a closed connection is gone for the service", async () => {
  const client = await connect(system);
  const path = `hubs/chat/connections/${client.id}`;
  assert.equal((await rest(system, "HEAD", path)).status, 200);
  await rest(system, "DELETE", path);
  await client.closed;
  assert.equal((await rest(system, "HEAD", path)).status, 404);
});

test("a client that sends is told that clients only listen", async () => {
  const service = await startServe();
  const client = await connectDirectly(service);
  await assert.rejects(client.connection.invoke("shout", 1), /shout|listen|serverless|upstream/i);
  await client.closed;
  await service.stop();
});

test("the end of the command closes with leave to reconnect", async () => {
  const short = await startDev();
  const client = await connect(short);
  assert.equal(await short.stop(), 0);
  await client.closed;
  assert.equal(JSON.parse(client.rawMessage('"type":7')).allowReconnect, true);
});
