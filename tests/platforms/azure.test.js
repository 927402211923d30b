// The package for Azure: what is in it, and how the app in it does under the host in each mode.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { claimsOf, connect, newMessage } from "./client.js";
import { HOST_KEY, MODES, startHost } from "./functions-host.js";
import { HUB, ROOT, run, settings, startService } from "./programs.js";

const folder = mkdtempSync(join(tmpdir(), "signalr-azure-"));
const app = join(folder, "app");
let service;
let entries;
before(async () => {
  service = await startService();
  const zip = join(folder, "app.zip");
  const triggers = ["--trigger", "broadcast-queue", "--trigger", "broadcast-timer"];
  const packed = await run("python3", ["-B", `${ROOT}functions/package.py`, `${ROOT}target/debug/function-app`, zip, ...triggers]);
  assert.equal(packed.code, 0, packed.stderr);
  entries = await unpack(zip, app);
});
after(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true });
});

/** Unpacks as Azure does, with the modes that the entries have, and gives these modes by name. */
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
  const http = ["broadcast", "group-admin", "negotiate"].flatMap((name) => [name, `${name}-hub`]);
  const functions = [...http, "broadcast-queue", "broadcast-timer"].map((name) => `${name}/function.json`);
  for (const name of ["function-app", "host.json", ...functions]) {
    assert.ok(name in entries, name);
  }
  const others = Object.keys(entries).filter((name) => !/^[a-z-]+\/function\.json$/.test(name));
  assert.deepEqual(others.sort(), ["function-app", "host.json"]);
  for (const [name, mode] of Object.entries(entries)) {
    assert.equal(mode & 0o777, name === "function-app" ? 0o755 : 0o644, name);
  }
  const text = await run("python3", ["-B", `${ROOT}functions/package.py`, `${ROOT}Makefile`, join(folder, "bad.zip")]);
  assert.notEqual(text.code, 0);
  assert.match(text.stderr, /not an executable of 64-bit Linux/);
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
    const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false };
    assert.ok((await host.fire("broadcast-timer", { timer })).succeeded);
    await client.until("timer");
    assert.equal((await host.fire("broadcast-queue", { message: "nonsense" })).succeeded, false);
  });
}
