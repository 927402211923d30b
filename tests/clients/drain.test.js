// The end of `signalr serve` by a signal: probes, clients that are told to come back, and a second signal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectDirectly } from "./client.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";
import { until } from "./until.js";

const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];
const OF_EACH = 40;

const probe = async (service, path) => (await fetch(new URL(path, service.service))).status;

const untilNotReady = (service) => until(async () => (await probe(service, "/ready")) === 503);

test("clients of each transport are told to come back, not all at once", async (t) => {
  const service = await startServe({ args: ["--drain-spread", 2] });
  assert.deepEqual([await probe(service, "/live"), await probe(service, "/ready")], [200, 200]);
  const ways = Array.from({ length: OF_EACH }, () => TRANSPORTS).flat();
  const clients = await Promise.all(ways.map((transport) => connectDirectly(service, { transport })));
  const start = performance.now();
  const ends = clients.map(async (client, index) => {
    const error = await client.closed;
    assert.match(error.message, /shutting down/);
    assert.match(client.rawMessage('"type":7'), /"allowReconnect":true/);
    return { transport: ways[index], at: performance.now() - start };
  });
  const code = service.stop();
  await untilNotReady(service);
  assert.equal(await probe(service, "/live"), 200);
  const told = await Promise.all(ends);
  assert.equal(await code, 0);
  for (const transport of TRANSPORTS) {
    const times = told.filter((one) => one.transport === transport).map((one) => one.at);
    const span = Math.max(...times) - Math.min(...times);
    t.diagnostic(`${transport}: ${times.length} clients within ${span.toFixed(0)} ms`);
    // A shard takes 20 ms for each client. There are as many shards as cores.
    assert.ok(span > 100, `${transport}: ${span} ms`);
  }
});

test("while balancers look away, everything is served", async () => {
  const service = await startServe({ env: { SIGNALR_DRAIN_DELAY: "2" } });
  const code = service.stop("SIGINT");
  await untilNotReady(service);
  const client = await connectDirectly(service);
  assert.equal((await rest(service, "POST", "hubs/chat/:send", { body: { target: "newMessage", arguments: [1] } })).status, 202);
  await client.received(1);
  assert.match((await client.closed).message, /shutting down/);
  assert.equal(await code, 0);
});

for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
  test(`a second signal, ${signal}, ends the service at once: ${code}`, async () => {
    const service = await startServe({ args: ["--drain-delay", 600] });
    const client = await connectDirectly(service);
    const ended = service.stop();
    await untilNotReady(service);
    const start = performance.now();
    process.kill(service.pid, signal);
    assert.equal(await ended, code);
    assert.ok(performance.now() - start < 5000);
    assert.match(service.stderr.join("\n"), new RegExp(`second signal, ${signal}`));
    await client.closed;
  });
}

test("an idle service ends at once, whatever the spread", async () => {
  const service = await startServe({ args: ["--drain-spread", 600] });
  const start = performance.now();
  assert.equal(await service.stop(), 0);
  assert.ok(performance.now() - start < 5000);
});
