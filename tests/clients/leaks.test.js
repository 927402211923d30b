// How much of the service's memory clients and callers still use after they are gone. SIGNALR_BIN names
// another build. LEAK_ROUNDS makes each workload longer.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { rest, sign } from "./service.js";
import { portOf, startServe } from "./system.js";
import { until } from "./until.js";

const ROUNDS = Number(process.env.LEAK_ROUNDS ?? 1);
const HUB = "/client/?hub=chat";
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

test("a client that polled and left leaves nothing", async (t) => {
  await growsByLessThan(t, { bytes: 200, count: 4000 * ROUNDS }, async (system, token) => {
    const id = await negotiated(system, token);
    assert.equal((await call(system, "GET", `${HUB}&id=${id}`, token)).status, 200);
    assert.equal((await call(system, "DELETE", `${HUB}&id=${id}`, token)).status, 202);
  });
});

test("a user who is put into the same group again and again is in it once", async (t) => {
  await growsByLessThan(t, { bytes: 60, count: 15_000 * ROUNDS }, async (system, _token, tokenOf) => {
    const path = "/api/hubs/chat/users/ann/groups/g";
    assert.equal((await call(system, "PUT", `${path}?api-version=2024-12-01`, tokenOf(path))).status, 200);
  });
});

test("what waits for a stream and a poll that nobody reads is gone soon after their end", async (t) => {
  // With this setting the allocator returns large blocks as soon as they are free, so the memory is what the service holds.
  const system = await startServe({ env: { MALLOC_MMAP_THRESHOLD_: String(128 * 1024) } });
  const token = clientToken(system);
  const text = "x".repeat(512 * 1024);
  const before = resident(system);
  const ids = [];
  const sockets = [];
  for (let number = 0; number < 8; number += 1) {
    const { connectionId, connectionToken } = JSON.parse(
      (await call(system, "POST", "/client/negotiate?hub=chat&negotiateVersion=1", token)).text,
    );
    const path = `${HUB}&id=${connectionToken}`;
    if (number % 2 === 0) {
      const socket = connectSocket(portOf(system.service), "127.0.0.1");
      sockets.push(socket);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`);
      await once(socket, "data");
      socket.pause();
    } else {
      assert.equal((await call(system, "GET", path, token)).status, 200);
    }
    assert.equal((await call(system, "POST", path, token, '{"protocol":"json","version":1}\u001e')).status, 200);
    for (let message = 0; message < 14; message += 1) {
      const body = { target: "m", arguments: [text] };
      assert.equal((await rest(system, "POST", `hubs/chat/connections/${connectionId}/:send`, { body })).status, 202);
    }
    ids.push(connectionId);
  }
  const full = resident(system) - before;
  assert.ok(full > 20, `only ${full.toFixed(1)} MB wait`);
  for (const id of ids) {
    assert.equal((await rest(system, "DELETE", `hubs/chat/connections/${id}`)).status, 200);
  }
  const left = () => resident(system) - before;
  await until(() => left() < full / 4, { what: () => `${left().toFixed(1)} of ${full.toFixed(1)} MB are left` });
  t.diagnostic(`${full.toFixed(1)} MB waited, ${left().toFixed(1)} MB are left`);
  sockets.forEach((socket) => socket.destroy());
  await system.stop();
});

/** Does an action many times to warm up, then as many times again. Returns how much memory the second part adds for each. */
async function growsByLessThan(t, { bytes, count }, once) {
  const system = await startServe();
  const token = clientToken(system);
  const tokens = new Map();
  const tokenOf = (path) => {
    const audience = new URL(path, system.service).href;
    if (!tokens.has(audience)) {
      tokens.set(audience, sign(system, { aud: audience }));
    }
    return tokens.get(audience);
  };
  const round = async () => {
    let left = count;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        await once(system, token, tokenOf);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  };
  await round();
  const before = resident(system);
  await round();
  const each = ((resident(system) - before) * 2 ** 20) / count;
  t.diagnostic(`${each.toFixed(0)} bytes each, of ${count}`);
  await system.stop();
  assert.ok(each < bytes, `each leaves ${each.toFixed(0)} bytes`);
}

async function negotiated(system, token) {
  const answer = await call(system, "POST", "/client/negotiate?hub=chat&negotiateVersion=1", token);
  return JSON.parse(answer.text).connectionToken;
}

function clientToken(system) {
  return sign(system, { aud: new URL(HUB, system.service).href });
}

/** One request over a keep-alive connection. */
async function call(system, method, path, token, body) {
  const sent = request(new URL(path, system.service), { method, agent, headers: { authorization: `Bearer ${token}` } });
  sent.end(body);
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
  }
  return { status: response.statusCode, text };
}

/** The memory of the service's process, in MB. */
function resident(system) {
  const status = readFileSync(`/proc/${system.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1024;
}
