// `signalr bench`: its counts are equal to the counts of the server that sends.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startHub } from "./json-hub.js";
import { parsed } from "./schemas/check.js";
import { runToEnd, startServe } from "./system.js";

const SMALL = ["--connections", "20", "--rate", "50", "--duration", "2", "--senders", "3", "--size", "10"];

test("a hub that counts: the counts are equal", async (t) => {
  const hub = await startHub();
  t.after(() => hub.stop());
  const { code, stdout, stderr } = await runToEnd(["bench", "--url", hub.url, ...SMALL, "--json"]);
  assert.equal(code, 0, stderr);
  const report = parsed("bench", stdout);
  assert.deepEqual([report.messages, report.delivered, report.expected], [hub.calls, hub.sent, hub.sent]);
  assert.deepEqual([hub.calls, hub.sent], [100, 2000]);
  assert.match(stderr, /1 s .*deliveries\/s/);
});

test("a hub that loses and repeats is found out", async (t) => {
  const hub = await startHub({ disorder: (call) => (call === 10 ? 0 : call === 20 ? 2 : 1) });
  t.after(() => hub.stop());
  const { code, stdout } = await runToEnd(["bench", "--url", hub.url, ...SMALL, "--json"]);
  assert.equal(code, 70);
  const report = parsed("bench", stdout);
  assert.deepEqual([report.losses, report.duplicates], [20, 20]);
});

for (const [transport, protocol] of [["websockets", "messagepack"], ["sse", "json"], ["polling", "json"]]) {
  test(`our service, ${transport}, ${protocol}: nothing is lost, and its process is measured`, async () => {
    const service = await startServe();
    const folder = mkdtempSync(join(tmpdir(), "signalr-"));
    const plot = join(folder, "latency.svg");
    const flags = ["-c", service.connectionString, "--hub", "chat", "--transport", transport, "--protocol", protocol, "--pid", service.pid, "--plot", plot];
    const { code, stdout, stderr } = await runToEnd(["bench", ...flags, ...SMALL, "--json"]);
    await service.stop();
    assert.equal(code, 0, stderr);
    const report = parsed("bench", stdout);
    assert.deepEqual([report.delivered, report.losses, report.order_violations, report.closed], [2000, 0, 0, 0]);
    assert.ok(report.cpu_micros_per_delivery > 0 && report.memory_bytes_per_connection >= 0);
    assert.match(readFileSync(plot, "utf8"), /^<svg[^]*latency over time/);
    rmSync(folder, { recursive: true });
  });
}

test("our service, with groups: each message reaches its group", async () => {
  const service = await startServe();
  const flags = ["-c", service.connectionString, "--hub", "chat", "--groups", "5"];
  const { code, stdout, stderr } = await runToEnd(["bench", ...flags, ...SMALL, "--json"]);
  await service.stop();
  assert.equal(code, 0, stderr);
  assert.equal(parsed("bench", stdout).delivered, 400);
});

test("what is not SignalR is named", async (t) => {
  const server = createServer((_, response) => response.end("<html>hello"));
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { code, stderr } = await runToEnd(["bench", "--url", `http://127.0.0.1:${server.address().port}/hub`, ...SMALL]);
  assert.equal(code, 70);
  assert.match(stderr, /does not answer as a SignalR server.*<html>hello/);
  const nobody = await runToEnd(["bench", "--url", "http://127.0.0.1:9/hub", ...SMALL]);
  assert.equal(nobody.code, 69);
  const wrong = await runToEnd(["bench", "--url", "localhost", ...SMALL]);
  assert.equal(wrong.code, 64);
  const large = await runToEnd(["bench", "--url", "http://127.0.0.1:9/hub", "--connections", "50000", "--rate", "100000", "--duration", "86400"]);
  assert.equal(large.code, 64);
});
