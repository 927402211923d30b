// The package for Azure: its content, and how its app works with the host in each mode.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { claimsOf, connect, newMessage } from "./client.js";
import { HOST_KEY, MODES, startHost } from "./functions-host.js";
import { HUB, ROOT, run, settings, startService } from "./programs.js";

const TRIGGERS = ["broadcast-queue", "broadcast-timer", "broadcast-event-grid"];

const folder = mkdtempSync(join(tmpdir(), "signalr-azure-"));
const app = join(folder, "app");
let service;
let entries;
before(async () => {
  service = await startService();
  const zip = join(folder, "app.zip");
  const triggers = TRIGGERS.flatMap((name) => ["--trigger", name]);
  const machine = ["--machine", { x64: "x86-64" }[process.arch] ?? process.arch];
  const packed = await run("python3", ["-B", `${ROOT}functions/package.py`, `${ROOT}target/debug/function-app`, zip, ...machine, ...triggers]);
  assert.equal(packed.code, 0, packed.stderr);
  entries = await unpack(zip, app);
});
after(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true });
});

/** Unpacks as Azure does, with the file modes of the entries. Returns these modes by name. */
async function unpack(zip, to) {
  const script = `
import json, os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as package:
    modes = {entry.filename: entry.external_attr >> 16 for entry in package.infolist()}
    package.extractall(sys.argv[2])
for name, mode in modes.items():
    os.chmod(os.path.join(sys.argv[2], name), mode & 0o777)
print(json.dumps(modes))`;
  const { code, stdout, stderr } = await run("python3", ["-c", script, zip, to]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("the package has the host's files and an executable, and nothing else", async () => {
  const http = ["broadcast", "group-admin", "negotiate", "upstream"].flatMap((name) => [name, `${name}-hub`]);
  const functions = [...http, ...TRIGGERS].map((name) => `${name}/function.json`);
  for (const name of ["function-app", "host.json", ...functions]) {
    assert.ok(name in entries, name);
  }
  const others = Object.keys(entries).filter((name) => !/^[a-z-]+\/function\.json$/.test(name));
  assert.deepEqual(others.sort(), ["function-app", "host.json"]);
  for (const [name, mode] of Object.entries(entries)) {
    assert.equal(mode & 0o777, name === "function-app" ? 0o755 : 0o644, name);
  }
});

test("what Azure cannot run is not packed", async () => {
  const arm = join(folder, "arm");
  writeFileSync(arm, readFileSync(join(app, "function-app")).fill(183, 18, 19));
  for (const [executable, reason] of [
    [`${ROOT}Makefile`, /not an executable of 64-bit Linux/],
    [arm, /is for arm64, not for x86-64/],
  ]) {
    const packed = await run("python3", ["-B", `${ROOT}functions/package.py`, executable, join(folder, "bad.zip")]);
    assert.notEqual(packed.code, 0);
    assert.match(packed.stderr, reason);
  }
});

test("where the platform checks callers, a key of ours is for upstream alone", async (t) => {
  const env = { AzureSignalRConnectionString: `Endpoint=${service.url};AuthType=azure.msi`, SIGNALR_HUB: HUB };
  const host = await startHost(app, "proxying", { ...env, FUNCTION_AUTH: "platform", FUNCTION_KEY: "of-upstream" });
  t.after(() => host.stop());
  const headers = { "content-type": "application/json" };
  const bad = await fetch(`${host.url}/api/broadcast?code=${HOST_KEY}`, { method: "POST", headers, body: "{}" });
  assert.equal(bad.status, 400);
  const event = { "x-asrs-connection-id": "c", "x-asrs-hub": HUB, "x-asrs-category": "connections", "x-asrs-event": "connected" };
  const called = (code) => fetch(`${host.url}/api/upstream?code=${code}`, { method: "POST", headers: { ...headers, ...event }, body: '{"type":10}' });
  assert.equal((await called("of-upstream")).status, 204);
  assert.equal((await called(HOST_KEY)).status, 401);
});

test("without its platform's authorisation or a key it does not start", async () => {
  const env = { ...settings(service), FUNCTIONS_CUSTOMHANDLER_PORT: "0" };
  const { code, stderr } = await run(join(app, "function-app"), [], { env });
  assert.equal(code, 64);
  assert.match(stderr, /^FUNCTION_KEY: is not set/);
});

for (const mode of MODES) {
  test(`${mode}: both flows, errors, CORS and the user that Azure names`, async (t) => {
    const env = {
      ...settings(service),
      FUNCTION_AUTH: "platform",
      ALLOWED_ORIGINS: "https://app.example",
      NEGOTIATE_IDENTITY: "easyauth,anonymous",
      WEBSITE_AUTH_ENABLED: "True",
      BROADCAST_TIMER_MESSAGE: JSON.stringify(newMessage("timer")),
    };
    const host = await startHost(app, mode, env);
    t.after(() => host.stop());
    assert.equal(host.ready, 200);
    const call = (path, { method = "POST", body, headers = {} } = {}) =>
      fetch(`${host.url}${path}`, { method, body, headers: { "content-type": "application/json", ...headers } });
    const keyed = { "x-functions-key": HOST_KEY };

    const client = await connect(`${host.url}/api/${HUB}`);
    t.after(() => client.stop());
    const sent = await call("/api/broadcast", { body: JSON.stringify(newMessage("ünicode 🎉")), headers: keyed });
    assert.equal(sent.status, 202);
    assert.deepEqual(await sent.json(), { results: [{ status: 202 }] });
    assert.deepEqual(await client.until("ünicode 🎉"), ["ünicode 🎉"]);
    const byQuery = await call(`/api/${HUB}/broadcast?code=${HOST_KEY}`, { body: JSON.stringify([newMessage("by query")]) });
    assert.equal(byQuery.status, 202);
    await client.until("by query");

    assert.equal((await call("/api/broadcast", { body: "{}" })).status, 401);
    const bad = await call("/api/broadcast", { body: '{"target":"x"}', headers: keyed });
    assert.equal(bad.status, 400);
    assert.match(bad.headers.get("content-type"), /^application\/problem\+json/);
    assert.match((await bad.json()).detail, /missing field `arguments`/);
    const admin = await call("/api/group-admin", { body: '{"action":"check","groupName":"nobody"}', headers: keyed });
    assert.deepEqual(await admin.json(), { results: [{ status: 200, exists: false }] });
    assert.equal((await call("/api/sport/negotiate")).status, 404);
    for (const path of ["/api/upstream", `/api/${HUB}/upstream`]) {
      const unsigned = await call(path, { body: "{}" });
      assert.match((await unsigned.json()).detail, /x-asrs-/, path);
    }

    const named = await call("/api/negotiate?user=mallory", { headers: { "x-ms-client-principal-id": "ann" } });
    assert.equal(claimsOf((await named.json()).accessToken)["asrs.s.uid"], "ann");
    const preflight = await call("/api/negotiate", {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": "x-requested-with" },
    });
    assert.equal(preflight.status, 200);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://app.example");

    const message = (text) => JSON.stringify(newMessage(text));
    for (const [data, text] of [
      [message("once"), "once"],
      [JSON.stringify(message("twice")), "twice"],
      [newMessage("not at all"), "not at all"],
      [JSON.stringify([newMessage("first"), newMessage("last")]), "last"],
    ]) {
      const { succeeded, text: answer } = await host.fire("broadcast-queue", { message: data });
      assert.ok(succeeded, answer);
      assert.equal((await client.until(text)).at(-1), text);
    }
    const data = newMessage("from Event Grid");
    for (const event of [
      { specversion: "1.0", type: "Shop.Order", source: "/shop", id: "1", data },
      { eventType: "Shop.Order", subject: "s", id: "1", eventTime: "2026-01-01T00:00:00Z", data, dataVersion: "1" },
    ]) {
      for (const given of [event, JSON.stringify(event)]) {
        assert.ok((await host.fire("broadcast-event-grid", { event: given })).succeeded);
        await client.until("from Event Grid");
      }
    }
    // The .NET worker writes it in this form.
    const { target: Target, arguments: Arguments } = newMessage("from a worker");
    const worker = { Target, Arguments, ConnectionId: null, UserId: null, GroupName: null, Endpoints: null };
    assert.ok((await host.fire("broadcast-queue", { message: JSON.stringify(worker) })).succeeded);
    await client.until("from a worker");
    const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false };
    assert.ok((await host.fire("broadcast-timer", { timer })).succeeded);
    await client.until("timer");
    assert.equal((await host.fire("broadcast-queue", { message: "nonsense" })).succeeded, false);
    assert.ok((await host.fire("warmup", { warmupContext: {} })).succeeded);
  });
}

const MESSAGE = JSON.stringify(newMessage("never"));

/** A request as the host would send it, but from another caller. */
function forged(url, headers = {}) {
  const request = { Url: url, Method: "POST", Headers: { "content-type": ["application/json"], ...headers }, Body: MESSAGE };
  return JSON.stringify({ Data: { req: request }, Metadata: {} });
}

const BROUGHT = JSON.stringify({ Data: { message: newMessage("never") }, Metadata: {} });
const VICTIM = forged("http://x/api/negotiate", { "x-ms-client-principal-id": ["victim"] });

/** Hub names that a caller may write. If a path is decoded twice, they lead to another function or to an envelope. */
const TRICKS = [
  ...["%3F", "%23", "%253F", "%2523", "%0A%3F", ";", "%3B%3F", "%2F%3F", "%5C", "%5C%3F"].flatMap((end) => [
    `broadcast${end}`,
    `${HUB}%2Fbroadcast${end}`,
    `${HUB}%5Cbroadcast${end}`,
  ]),
  ...["..", "%2E%2E", "%2e.", "%252e%252e", "x%5C..%5C..", "%EF%BC%8E%EF%BC%8E"].flatMap((up) =>
    ["%5C", "%255C", "%2F", "%EF%BC%BC"].flatMap((slash) =>
      ["negotiate", "broadcast-queue", "api%5Cbroadcast"].map((name) => `${up}${slash}${name}%3F`),
    ),
  ),
].flatMap((hub) => [`/api/${hub}/negotiate`, `/api/${hub}/upstream`]);

/** POSTs to a path that no client corrects. Returns the status and the text of the answer. */
async function rawPost(base, path, body, headers = {}) {
  const sent = httpRequest(base, { path, method: "POST", headers: { "content-type": "application/json", ...headers } });
  sent.end(body);
  const [answer] = await once(sent, "response");
  let text = "";
  for await (const part of answer.setEncoding("utf8")) {
    text += part;
  }
  return { status: answer.statusCode, text };
}

for (const mode of MODES) {
  for (const rule of [{ FUNCTION_AUTH: "platform" }, { FUNCTION_KEY: HOST_KEY }]) {
    test(`${mode}, ${Object.keys(rule)}: no trick sends a message or names a user`, async (t) => {
      const identity = { NEGOTIATE_IDENTITY: "easyauth,anonymous", WEBSITE_AUTH_ENABLED: "True", ALLOWED_ORIGINS: "https://app.example" };
      const host = await startHost(app, mode, { ...settings(service), ...rule, ...identity });
      t.after(() => host.stop());
      const client = await connect(`${host.url}/api/${HUB}`);
      t.after(() => client.stop());

      for (const path of [...TRICKS, "/broadcast-queue", "/api/../broadcast-queue", "/api/%2e%2e/negotiate", "//broadcast-queue"]) {
        for (const body of [MESSAGE, BROUGHT, VICTIM]) {
          const { status, text } = await rawPost(host.url, path, body);
          assert.ok(status >= 400 && status < 500, `${path}: ${status} ${text}`);
        }
      }

      const code = `code=${HOST_KEY}`;
      for (const [name, body] of [
        ["negotiate", forged(`http://x/api/broadcast?${code}`)],
        ["negotiate-hub", forged(`http://x/api/${HUB}/broadcast?${code}`)],
        ["upstream", forged(`http://x/api/broadcast?${code}`)],
        ["group-admin", forged(`http://x/api/broadcast?${code}`)],
        ["broadcast-queue", forged(`http://x/api/broadcast?${code}`)],
        ["warmup", forged(`http://x/api/broadcast?${code}`)],
        ["broadcast", VICTIM],
        ["negotiate", BROUGHT],
        ["negotiate-hub", BROUGHT],
        ["group-admin", BROUGHT],
        ["upstream-hub", BROUGHT],
      ]) {
        const { status, text } = await rawPost(host.behind, `/${name}`, body);
        assert.equal(status, 400, `${name}: ${text}`);
      }

      const page = { "content-type": "text/plain" };
      for (const [name, body] of [["broadcast-queue", BROUGHT], ["broadcast", forged(`http://x/api/broadcast?${code}`)], ["negotiate", VICTIM]]) {
        for (const [headers, expected] of [
          [page, 415],
          [{ ...page, origin: "https://evil.example" }, 403],
          [{ origin: "https://evil.example" }, 403],
          [{ origin: "https://app.example" }, 403],
          [{ origin: "null" }, 403],
          [{ "sec-fetch-site": "same-site" }, 403],
        ]) {
          const { status, text } = await rawPost(host.behind, `/${name}`, body, headers);
          assert.equal(status, expected, `${name} ${JSON.stringify(headers)}: ${text}`);
        }
      }

      const last = await rawPost(host.url, "/api/broadcast", JSON.stringify(newMessage("last")), { "x-functions-key": HOST_KEY });
      assert.equal(last.status, 202, last.text);
      assert.deepEqual(await client.until("last"), ["last"]);
    });
  }
}
