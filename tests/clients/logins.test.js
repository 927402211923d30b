// Logins that end or are renewed, as stock clients see them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectDirectly, stopAll } from "./client.js";
import { clientUrl, rest, sign } from "./service.js";
import { startDev } from "./system.js";
import { until } from "./until.js";
import { WAYS } from "./wire.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

const LOGIN_ENDED = /the client's login has ended/;
const now = () => Math.floor(Date.now() / 1000);

/** A client of Ann. Its login ends with its session, this many seconds from now. */
async function connectFor(seconds, way) {
  const end = now() + seconds;
  const claims = { aud: clientUrl(system), exp: end, "asrs.s.uid": "ann", "asrs.s.coae": "true", "asrs.s.aeo": `${end}` };
  const token = sign(system, claims);
  const client = await connectDirectly(system, { ...way, http: { accessTokenFactory: () => token } });
  client.closed = new Promise((resolve) => client.connection.onclose(resolve));
  return client;
}

/** Calls a REST operation for the login of a client. */
async function login(client, method, path, body = {}) {
  const url = new URL(`/api/hubs/chat/connections/${path}?api-version=2026-07-01`, system.service);
  const token = sign(system, { aud: url.origin + url.pathname });
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ connectionToken: client.wire.negotiation.connectionToken, ...body }),
  });
  return { status: response.status, body: await response.json() };
}

for (const way of WAYS) {
  const name = `${way.transport}, ${way.protocol}`;

  test(`${name}: a client is told that its login ended, and one with a renewed login goes on`, async () => {
    const [ended, renewed] = await Promise.all([connectFor(4, way), connectFor(4, way)]);
    assert.ok([3, 4].includes(ended.wire.negotiation.tokenLifetimeSeconds), ended.wire.negotiation.tokenLifetimeSeconds);
    const expireTime = new Date((now() + 600) * 1000).toISOString();
    assert.equal((await login(renewed, "POST", ":refreshAuth", { expireTime })).status, 200);
    assert.match(String(await ended.closed), LOGIN_ENDED);
    const message = { target: "newMessage", arguments: [name] };
    assert.equal((await rest(system, "POST", "hubs/chat/:send", { body: message })).status, 202);
    assert.ok((await renewed.received(1)).some(([text]) => text === name));
    // The client sends with the expired token.
    await renewed.connection.send("whatever");
    await stopAll(renewed);
  });
}

test("the claims of a client are read and replaced", async () => {
  const client = await connectFor(600, WAYS[0]);
  const claims = [{ type: "role", value: "editor" }];
  const { status, body } = await login(client, "POST", ":refreshAuth", { claims });
  assert.equal(status, 200);
  assert.ok(body.claims.some(({ type, value }) => type === "role" && value === "editor"));
  for (const [method, path] of [["POST", ":getClaims"], ["QUERY", "claims"], ["QUERY", "Claims/"]]) {
    assert.deepEqual(await login(client, method, path), { status: 200, body }, `${method} ${path}`);
  }
  const other = await login(client, "POST", ":refreshAuth", { claims: [{ type: "sub", value: "bob" }] });
  assert.equal(other.status, 403);
  await stopAll(client);
  await until(async () => (await login(client, "POST", ":getClaims")).status === 404);
});
