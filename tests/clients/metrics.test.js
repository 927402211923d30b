// The port for operators: metrics read by a real Prometheus, the status, and the callers that are allowed.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectDirectly, stopAll } from "./client.js";
import { freePort } from "./ports.js";
import { negotiate, rest } from "./service.js";
import { portOf, runToEnd, startServe } from "./system.js";
import { until } from "./until.js";

const OPS = fileURLToPath(new URL("../../ops/", import.meta.url));
const CLIENTS = 5;
const MESSAGES = 20;
const REFUSED = 3;
/** How long each query may take until it has data: Prometheus needs two scrapes for a rate. */

let folder;
let upstream;
let system;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalr-"));
  upstream = createServer((_, response) => response.writeHead(204).end()).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const templates = [{ UrlTemplate: `http://127.0.0.1:${upstream.address().port}/{hub}/{event}`, HubPattern: "withupstream" }];
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: templates } }));
  system = await startServe({ args: ["--admin-port", 0, "--admin-host", "metrics.internal", "--config", folder] });
});
after(async () => {
  await system?.stop();
  upstream?.close();
  rmSync(folder, { recursive: true });
});

test("Prometheus scrapes the service, its counts are those of the test, and each query has data", async (t) => {
  const prometheus = await startPrometheus(t, portOf(system.admin));
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectDirectly(system)));
  const caller = await connectDirectly(system, { hub: "withupstream" });
  await caller.connection.send("anything");
  for (let number = 0; number < MESSAGES; number += 1) {
    await rest(system, "POST", "hubs/chat/:send", { body: { target: "newMessage", arguments: [number] } });
  }
  await Promise.all(clients.map((client) => client.received(MESSAGES)));
  for (let number = 0; number < REFUSED; number += 1) {
    assert.equal((await negotiate(system, "no.good.token")).status, 401);
  }

  const counts = await scrape();
  assert.equal(counts.get('signalr_connections{hub="chat",transport="websockets",protocol="json"}'), CLIENTS);
  assert.equal(counts.get('signalr_deliveries_total{target="hub"}'), CLIENTS * MESSAGES);
  assert.equal(counts.get('signalr_messages_total{target="hub"}'), MESSAGES);
  assert.equal(counts.get('signalr_connections_refused_total{reason="token"}'), REFUSED);
  assert.equal(counts.get('signalr_call_duration_seconds_count{operation="Broadcast",status="202"}'), MESSAGES);

  const dashboard = JSON.parse(readFileSync(join(OPS, "grafana-dashboard.json"), "utf8"));
  const queries = dashboard.panels.flatMap((panel) => panel.targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "30s")));
  assert.ok(queries.length > 20);
  for (const query of queries) {
    await prometheus.hasData(query);
  }
  await prometheus.hasData('sum(signalr_deliveries_total{target="hub"})', CLIENTS * MESSAGES);
  const rules = await prometheus.get("rules");
  const unhealthy = rules.groups.flatMap((group) => group.rules).filter(({ health }) => health !== "ok");
  assert.deepEqual(unhealthy.map(({ name, lastError }) => [name, lastError]), []);

  await stopAll(...clients, caller);
  await until(async () => (await scrape()).get('signalr_connections_ended_total{reason="client"}') === CLIENTS + 1);
});

test("promtool finds nothing wrong with the metrics and the rules", async () => {
  const metrics = await (await fetch(new URL("/metrics", system.admin))).text();
  const checked = spawnSync("promtool", ["check", "metrics"], { input: metrics, encoding: "utf8" });
  assert.equal(`${checked.status} ${checked.stdout}${checked.stderr}`, "0 ");
  const rules = spawnSync("promtool", ["check", "rules", join(OPS, "alerts.yml")], { encoding: "utf8" });
  assert.equal(rules.status, 0, rules.stderr);
});

test("each alert fires when it should, and none for a service that is well", () => {
  const rules = readFileSync(join(OPS, "alerts.yml"), "utf8").match(/(?<=alert: )\w+/g);
  const tests = readFileSync(join(OPS, "alerts-test.yml"), "utf8");
  assert.deepEqual(rules.filter((name) => !tests.includes(`alertname: ${name}\n`)), [], "each has a test");
  const checked = spawnSync("promtool", ["test", "rules", join(OPS, "alerts-test.yml")], { encoding: "utf8" });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test("the status has the version, the time since the start, and limits with their use", async () => {
  const response = await fetch(new URL("/status", system.admin));
  const { version, uptimeSeconds, ready, limits } = await response.json();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok(uptimeSeconds >= 0 && ready);
  const names = limits.map(({ name }) => name);
  assert.deepEqual(names.sort(), ["calls", "held_bytes", "server_connections", "sockets", "upstream_bytes"]);
  assert.ok(limits.every(({ limit, used }) => limit > 0 && used >= 0 && used <= limit));
});

test("the port answers under its own names alone, and the clients' port has no metrics", async () => {
  const statusAs = async (host, path = "/metrics") => {
    const options = { port: portOf(system.admin), host: "127.0.0.1", path, headers: { host } };
    const [response] = await once(request(options).end(), "response");
    response.resume();
    return response.statusCode;
  };
  for (const host of ["localhost", "127.0.0.1:1", "metrics.internal"]) {
    assert.equal(await statusAs(host), 200, host);
  }
  assert.equal(await statusAs("evil.example"), 421);
  assert.equal(await statusAs("evil.example", "/live"), 421);
  assert.equal(await statusAs("localhost", "/ready"), 200);
  for (const path of ["/metrics", "/status"]) {
    assert.equal((await fetch(new URL(path, system.service))).status, 404);
  }
});

test("an admin port that is taken: the flags are named", async () => {
  const { code, stderr } = await runToEnd(["serve", "--port", 0, "--admin-port", portOf(system.admin)]);
  assert.equal(code, 1);
  assert.match(stderr, /--admin-port/);
});

test("metrics while the service drains, with two scrapes at once", async () => {
  const draining = await startServe({ args: ["--admin-port", 0, "--drain-delay", 2] });
  const stopped = draining.stop();
  await until(async () => (await fetch(new URL("/ready", draining.admin))).status === 503);
  const scrapes = await Promise.all([0, 1].map(() => fetch(new URL("/metrics", draining.admin))));
  for (const response of scrapes) {
    assert.match(await response.text(), /^signalr_ready 0$/m);
  }
  await stopped;
});

async function scrape() {
  const text = await (await fetch(new URL("/metrics", system.admin))).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

/** Debian's Prometheus with the alert rules, which scrapes this port. */
async function startPrometheus(t, port) {
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(OPS, "alerts.yml")],
      scrape_configs: [{ job_name: "signalr", static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    }),
  );
  const own = await freePort();
  const child = spawn(
    "prometheus",
    [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=127.0.0.1:${own}`],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const said = [];
  child.stderr.on("data", (text) => said.push(text));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  t.after(async () => {
    process.off("exit", kill);
    kill();
    await once(child, "exit");
  });
  const get = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${own}/api/v1/${path}`);
    const { status, data, error } = await answer.json();
    assert.equal(status, "success", error);
    return data;
  };
  await until(() => get("status/runtimeinfo").then(() => true, () => false), { what: () => said.join("") });
  return {
    get,
    /** Waits until a query has data. If a value is given, waits for this value. */
    async hasData(query, value) {
      const isThere = async () => {
        const { result } = await get(`query?query=${encodeURIComponent(query)}`);
        return result.length > 0 && (value === undefined || Number(result[0].value[1]) === value);
      };
      await until(isThere, { what: () => query });
    },
  };
}

