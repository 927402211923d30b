// Traces: a broadcast is one trace from the function to its deliveries, and nothing waits for a collector.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { connect, connectDirectly, stopAll } from "./client.js";
import { startCollector, startSilentCollector } from "./collector.js";
import { negotiate, rest, sign } from "./service.js";
import { runToEnd, startDev, startFunctions, startServe } from "./system.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
/** Kinds of spans. Source: the protocol of OpenTelemetry. */
const [SERVER, CLIENT] = [2, 3];
const CALLS = 50;
/** This limit is much longer than the calls need, and much shorter than the wait for a collector that never answers. */
const SOON_MS = 8_000;

test("a broadcast is one trace from the function to its deliveries, and its ids are in both logs", async (t) => {
  const collector = await startCollector(t);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "100", RUST_LOG: "info", SIGNALR_LOG_FORMAT: "json" };
  const service = await startServe({ env: { ...env, OTEL_SERVICE_NAME: "the-service", OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=seven" } });
  const functions = await startFunctions(service, { env });
  const clients = await Promise.all([1, 2, 3].map(() => connectDirectly(service)));
  const headers = { "x-ms-client-request-id": "order-7", traceparent: `00-${TRACE}-${CALLER}-01` };
  assert.equal(await broadcast(functions, headers), 202);
  await Promise.all(clients.map((client) => client.received(1)));

  const ofFunction = await collector.spanNamed("broadcast", TRACE);
  const ofService = await collector.spanNamed("Broadcast", TRACE);
  const ofDelivery = await collector.spanNamed("deliver", TRACE);
  assert.deepEqual([ofFunction.parent, ofService.parent, ofDelivery.parent], [CALLER, ofFunction.id, ofService.id]);
  assert.deepEqual([ofFunction.kind, ofService.kind], [SERVER, SERVER]);
  assert.deepEqual([ofFunction.service, ofService.service], ["signalr-functions", "the-service"]);
  for (const span of [ofFunction, ofService]) {
    assert.equal(span.attributes["signalr.request_id"], "order-7");
    assert.equal(span.attributes["http.response.status_code"], 202);
  }
  assert.deepEqual([ofDelivery.attributes["signalr.to"], ofDelivery.attributes["signalr.deliveries"]], ["hub", clients.length]);
  assert.ok(collector.headers.some((headers) => headers["x-tenant"] === "seven"));

  await functions.says(/a call was answered/);
  await service.says(/a message was delivered/);
  for (const [program, message, fields] of [
    [functions, "a call was answered", { status: 202, event: "POST /api/chat/broadcast" }],
    [service, "a call was answered", { status: 202 }],
    [service, "a message was delivered", { to: "hub", deliveries: clients.length }],
  ]) {
    const line = program.stderr.map((text) => JSON.parse(text)).find((one) => one.message === message);
    assert.deepEqual([line.span.request_id, line.span.trace_id], ["order-7", TRACE]);
    assert.deepEqual({ ...line, ...fields }, line);
    assert.match(line.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  }

  assert.equal(await broadcast(functions, {}), 202);
  await Promise.all(clients.map((client) => client.received(2)));
  await functions.stop();
  assert.equal(await service.stop(), 0);
  const [others] = [collector.spans.filter(({ trace }) => trace !== TRACE && trace !== undefined)];
  const one = others.find(({ name }) => name === "broadcast");
  const names = others.filter(({ trace }) => trace === one.trace).map(({ name }) => name);
  assert.deepEqual(names.sort(), ["Broadcast", "broadcast", "deliver"], "a call without a trace begins one");
  await stopAll(...clients);
});

test("a client's call is one trace from the service through the function to the call that it makes", async (t) => {
  const collector = await startCollector(t);
  const system = await startDev({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "100" } });
  const client = await connect(system);
  await client.connection.invoke("send", "ann", "room", "hello");
  await assert.rejects(client.connection.invoke("send", "ann", "room", " "), /blank/);

  const ofSend = await collector.span(({ name }) => name === "SendToGroup");
  const ofFunction = await collector.span(({ id }) => id === ofSend.parent);
  const ofEvent = await collector.span(({ id }) => id === ofFunction.parent);
  assert.deepEqual([ofFunction.name, ofEvent.name, ofEvent.parent], ["upstream", "upstream", undefined]);
  assert.deepEqual([ofSend.kind, ofFunction.kind, ofEvent.kind], [SERVER, SERVER, CLIENT]);
  assert.equal(new Set([ofSend, ofFunction, ofEvent].map(({ trace }) => trace)).size, 1);
  const { "signalr.category": category, "signalr.event": event, "signalr.outcome": outcome } = ofEvent.attributes;
  assert.deepEqual([category, event, outcome], ["messages", "send", "ok"]);
  await stopAll(client);
  await system.stop();
});

test("the sampler of the standard variables is heard, and without a collector nothing is sent", async (t) => {
  const collector = await startCollector(t);
  const to = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  for (const env of [{ ...to, OTEL_TRACES_SAMPLER: "always_off" }, { ...to, OTEL_SDK_DISABLED: "true" }, { ...to, OTEL_TRACES_EXPORTER: "none" }, {}]) {
    const service = await startServe({ env });
    assert.equal((await send(service)).status, 202);
    assert.equal(await service.stop(), 0);
    assert.deepEqual([collector.spans, collector.headers], [[], []], JSON.stringify(env));
  }
});

test("a collector that is away, or never answers, holds up no call and not the end", async (t) => {
  const silent = await startSilentCollector(t);
  for (const url of [silent.url, await closedPort()]) {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "50", OTEL_BSP_MAX_QUEUE_SIZE: "8", RUST_LOG: "warn" };
    const service = await startServe({ env });
    const client = await connectDirectly(service);
    const begin = Date.now();
    for (let number = 0; number < CALLS; number += 1) {
      assert.equal((await send(service)).status, 202);
    }
    await client.received(CALLS);
    await (url === silent.url ? silent.asked : service.says(/spans could not be sent to the collector/));
    await stopAll(client);
    assert.equal(await service.stop(), 0);
    assert.ok(Date.now() - begin < SOON_MS, `${Date.now() - begin} ms`);
    const lines = service.stderr.filter((line) => line.includes("spans could not be sent"));
    assert.ok(lines.length <= 7, "a burst is counted");
  }
});

test("variables of OpenTelemetry that cannot be followed are named", async () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };
  for (const [env, text] of [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "no url" }, /OTEL_EXPORTER_OTLP_ENDPOINT/],
    [{ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' is not known; use http\/protobuf/],
    [{ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "long" }, /OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'long' is not a time/],
  ]) {
    const { code, stderr } = await runToEnd(["serve", "--port", 0], env);
    assert.equal(code, 64, stderr);
    assert.match(stderr, text);
  }
});

test("an event is one line, whatever is in its names", async () => {
  const odd = 'a"b\\c\nERROR d\r\u001b[31m\u2028e';
  for (const format of ["text", "json"]) {
    const service = await startServe({ args: ["--log-format", format], env: { RUST_LOG: "signalr_service=debug" } });
    const functions = await startFunctions(service, { env: { RUST_LOG: "debug", SIGNALR_LOG_FORMAT: format } });
    const audience = `${service.service.replace(/\/$/, "")}/client/?hub=${encodeURIComponent(odd)}`;
    const hub = encodeURIComponent(odd);
    assert.equal((await negotiate(service, sign(service, { aud: audience }), hub)).status, 400);
    assert.equal((await rest(service, "POST", `hubs/${hub}/:send`, { body: { target: "t", arguments: [] } })).status, 400);
    assert.equal(await broadcast(functions, { "x-ms-client-request-id": 'order "7" \\' }, hub), 404);
    assert.equal(await broadcast(functions, { "x-ms-client-request-id": 'order "8" \\' }), 202);
    await Promise.all([functions.stop(), service.stop()]);
    const lines = [...service.stderr, ...functions.stderr];
    assert.ok(lines.length > 4);
    for (const line of lines) {
      const time = format === "json" ? JSON.parse(line).timestamp : line;
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, line);
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028]/);
    }
  }
});

async function broadcast(functions, headers, hub = "chat") {
  const body = JSON.stringify({ target: "newMessage", arguments: ["hello"] });
  const url = `${functions.url}/api/${hub}/broadcast`;
  return (await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body })).status;
}

function send(service) {
  return rest(service, "POST", "hubs/chat/:send", { body: { target: "newMessage", arguments: ["hello"] } });
}

async function closedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}
