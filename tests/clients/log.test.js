// The log: one message followed by its id, keys that change while the service runs, and no secret anywhere.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, connectDirectly, stopAll } from "./client.js";
import { startCollector } from "./collector.js";
import { negotiate, rest, sign } from "./service.js";
import { startDev, startFunctions, startServe } from "./system.js";
import { until } from "./until.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

test("one broadcast is followed by its id from the call to the number of its deliveries", async () => {
  const system = await startServe({ args: ["--log-format", "json"], env: { RUST_LOG: "info" } });
  const clients = await Promise.all([1, 2, 3].map(() => connectDirectly(system)));
  const url = new URL("/api/hubs/chat/:send?api-version=2024-12-01", system.service);
  const headers = {
    authorization: `Bearer ${sign(system, { aud: url.href })}`,
    "content-type": "application/json",
    "x-ms-client-request-id": "order-7",
    traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
  };
  const body = JSON.stringify({ target: "newMessage", arguments: ["hello"] });
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 202);
  await Promise.all(clients.map((client) => client.received(1)));
  await system.says(/a message was delivered/);
  await system.says(/a call was answered/);

  const lines = system.stderr.map((line) => JSON.parse(line)).filter(({ span }) => span?.request_id === "order-7");
  const line = (message) => lines.find((one) => one.message === message);
  assert.equal(line("a message was delivered").deliveries, clients.length);
  assert.equal(line("a call was answered").status, 202);
  for (const { span, level, timestamp, target } of lines) {
    assert.deepEqual([span.trace_id, span.operation, level], [TRACE, "Broadcast", "INFO"]);
    assert.ok(timestamp && target);
  }
  await stopAll(...clients);
  await system.stop();
});

test("a call of the function is followed from its log to the service's deliveries", async () => {
  const system = await startDev({ args: ["--log-format", "json"], env: { RUST_LOG: "info" } });
  const clients = await Promise.all([1, 2].map(() => connect(system)));
  const headers = {
    "content-type": "application/json",
    "x-ms-client-request-id": "order-8",
    traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
  };
  const body = JSON.stringify({ target: "newMessage", arguments: ["hello"] });
  const url = new URL("/api/chat/broadcast", system.page);
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 202);
  await Promise.all(clients.map((client) => client.received(1)));
  await system.says(/a message was delivered/);
  await system.says(/"event":"POST \/api\/chat\/broadcast"/);

  const lines = system.stderr.map((line) => JSON.parse(line)).filter(({ span }) => span?.request_id === "order-8");
  assert.ok(lines.every(({ span }) => span.trace_id === TRACE));
  const [ofFunction, ofService] = [true, false].map((is) =>
    lines.find(({ message, event }) => message === "a call was answered" && (event !== undefined) === is),
  );
  assert.deepEqual([ofFunction.status, ofService.status], [202, 202]);
  assert.equal(lines.find(({ message }) => message === "a message was delivered").deliveries, clients.length);
  await stopAll(...clients);
  await system.stop();
});

test("keys follow their file and SIGHUP; a file that is no good changes nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys");
  writeFileSync(file, "first-key\n");
  const system = await startServe({ args: ["--access-key-file", file], env: { RUST_LOG: "info" } });
  const status = async (key) => {
    const url = new URL("/api/hubs/chat/connections/none", system.service);
    const token = sign(system, { aud: url.href }, key);
    return (await rest(system, "HEAD", "hubs/chat/connections/none", { token })).status;
  };
  assert.deepEqual([await status("first-key"), await status("second-key")], [404, 401]);
  writeFileSync(file, "second-key\n");
  process.kill(system.pid, "SIGHUP");
  await system.says(/SIGHUP came/);
  await system.says(/the access keys changed/);
  assert.deepEqual([await status("first-key"), await status("second-key")], [401, 404]);
  writeFileSync(file, "\n");
  await system.says(/the access keys stay as they were/);
  assert.deepEqual([await status("first-key"), await status("second-key")], [401, 404]);
  writeFileSync(file, "third-key\n");
  await until(async () => (await status("third-key")) === 404);
  assert.equal(await system.stop(), 0);
});

test("no secret in anything that a full run prints or shows to operators", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const upstream = createServer((_, response) => response.writeHead(500).end()).listen(0, "127.0.0.1");
  t.after(() => upstream.close());
  await once(upstream, "listening");
  const secrets = ["flag-key-4711-secret", "file-key-4712-secret", "function-code-4713-secret"];
  const [flagKey, fileKey, code] = secrets;
  writeFileSync(join(folder, "keys"), `${fileKey}\n`);
  const UrlTemplate = `http://127.0.0.1:${upstream.address().port}/{hub}?code=${code}`;
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: [{ UrlTemplate }] } }));
  const args = ["--admin-port", 0, "--log-format", "json", "--access-key-file", join(folder, "keys"), "--config", folder];
  const collector = await startCollector(t);
  const ofCollector = "collector-key-4714-secret";
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: `x-key=${ofCollector}` };
  const env = { SIGNALR_ACCESS_KEY: flagKey, RUST_LOG: "trace", ...traces };
  const system = { ...(await startServe({ args, env })) };
  system.connectionString = `Endpoint=${system.service};AccessKey=${flagKey};`;

  const token = (claims, key) => {
    const signed = sign(system, claims, key);
    secrets.push(signed);
    return signed;
  };
  const audience = `${system.service.replace(/\/$/, "")}/client/?hub=chat`;
  for (const transport of ["WebSockets", "ServerSentEvents", "LongPolling"]) {
    const accessTokenFactory = () => token({ aud: audience }, fileKey);
    const client = await connectDirectly(system, { transport, http: { accessTokenFactory } });
    await client.connection.send("anything", 1);
    await stopAll(client);
  }
  assert.equal((await negotiate(system, token({ aud: audience }, "another"))).status, 401);
  assert.equal((await negotiate(system, token({ aud: "elsewhere" }, fileKey))).status, 401);
  const url = new URL("/api/hubs/chat/:send", system.service);
  const good = token({ aud: url.href }, flagKey);
  const body = { target: "newMessage", arguments: [1] };
  assert.equal((await rest(system, "POST", "hubs/chat/:send", { token: good, body })).status, 202);
  const { connectionToken } = JSON.parse((await negotiate(system, token({ aud: audience }, fileKey))).text);
  const poll = (id) => fetch(`${audience}&id=${id}`, { headers: { authorization: `Bearer ${token({ aud: audience }, fileKey)}` } });
  assert.equal((await poll(connectionToken)).status, 200);
  assert.equal((await poll(`${connectionToken}-of-nobody`)).status, 404);
  const bad = token({ aud: url.href, exp: 1 }, flagKey);
  assert.equal((await rest(system, "POST", "hubs/chat/:send", { token: bad, body })).status, 401);
  const functionKey = "function-key-4715-secret";
  const functions = await startFunctions(system, { env: { RUST_LOG: "trace", FUNCTION_KEY: functionKey, ...traces } });
  const post = (path, headers = {}, item) =>
    fetch(new URL(`/api/chat/${path}`, functions.url), {
      method: "POST",
      headers: { "content-type": "application/json", "x-ms-client-request-id": "order-9", ...headers },
      body: item && JSON.stringify(item),
    });
  const redirect = await (await post("negotiate", { authorization: `Bearer ${good}` })).json();
  assert.equal((await post("broadcast", { "x-functions-key": functionKey }, body)).status, 202);
  assert.equal((await post(`broadcast?code=${functionKey}`, {}, body)).status, 202);
  assert.equal((await post("broadcast", { "x-functions-key": "wrong-key-4716-secret" }, body)).status, 401);
  secrets.push(ofCollector, connectionToken, functionKey, redirect.accessToken, "wrong-key-4716-secret");
  const shown = await Promise.all(["/metrics", "/status"].map(async (path) => (await fetch(new URL(path, system.admin))).text()));
  await functions.stop();
  await system.stop();

  assert.ok(collector.spans.some(({ name }) => name === "broadcast"));
  const spans = collector.spans.map((span) => JSON.stringify(span));
  const all = [...system.stdout, ...system.stderr, ...functions.stdout, ...functions.stderr, ...shown, ...spans];
  assert.ok(functions.stderr.length > 10, "everything is logged");
  assert.ok(all.some((line) => line.includes("the token of a client is refused")));
  assert.deepEqual(found(secrets, all), []);
  assert.equal(found(secrets, [...all, `a line with ${secrets.at(-1)} in it`]).length, 1, "the search finds one that is there");
});

/** The lines that contain a secret. The secret part of a token is its signature; its other parts are not secret. */
function found(secrets, lines) {
  const parts = secrets.map((secret) => secret.split(".").at(-1));
  return lines.filter((line) => parts.some((part) => line.includes(part)));
}
