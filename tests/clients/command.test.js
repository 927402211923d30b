// The command itself: its flags, its exit codes and its texts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "./client.js";
import { negotiate, rest, sign } from "./service.js";
import { portOf, runToEnd, startDev, startServe } from "./system.js";

const BAD_CONFIGURATION = 64;
const COULD_NOT_START = 1;
const DEFAULT_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

const bad = {
  "an unknown command": [["devv"], /devv/],
  "an unknown flag": [["dev", "--prot", "1"], /--prot/],
  "no number as a port": [["dev", "--port", "http"], /http.*--port/],
  "a port too high": [["serve", "--port", "70000"], /70000.*--port/],
  "a bad hub": [["dev", "--hub", "a-b"], /a-b.*--hub|hub name 'a-b'/s],
  "one port for both": [["dev", "--port", "9123", "--service-port", "9123"], /9123/],
  "an address that is none": [["serve", "--ip", "localhost"], /localhost.*--ip/],
  "an empty key": [["serve", "--access-key", ""], /--access-key/],
  "a missing settings file": [["serve", "--config", "no/such.json"], /no\/such\.json/],
  "a policy that there is not": [["serve", "--client-messages", "shout"], /shout.*--client-messages/],
  "a bad connection string": [["dev"], /AzureSignalRConnectionString/, { AzureSignalRConnectionString: "Endpoint=x" }],
  "a bad log filter": [["serve"], /RUST_LOG.*loud=very/, { RUST_LOG: "loud=very" }],
  "a bad hub in a variable": [["dev"], /a-b/, { SIGNALR_HUBS: "chat,a-b" }],
  "a bad variable": [["dev"], /NEGOTIATE_IDENTITY/, { NEGOTIATE_IDENTITY: "passport" }],
};

for (const [name, [args, text, env]] of Object.entries(bad)) {
  test(`${name}: ${BAD_CONFIGURATION}, and the text names it`, async () => {
    const { code, stdout, stderr } = await runToEnd(args, env);
    assert.equal(code, BAD_CONFIGURATION, stderr);
    assert.match(stderr, text);
    assert.equal(stdout, "");
  });
}

test("settings that are no JSON: the file is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "settings.json"), "{");
  const { code, stderr } = await runToEnd(["serve", "--config", folder]);
  assert.equal(code, BAD_CONFIGURATION);
  assert.match(stderr, /settings\.json.*not JSON/);
});

test("serve --config: clients' calls reach the upstream, and a change of the file counts", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const upstreams = await Promise.all(["one", "two"].map((name) => startUpstream(t, name)));
  const name = (upstream) => {
    const templates = [{ UrlTemplate: `${upstream}/{hub}/{category}/{event}`, HubPattern: "chat", CategoryPattern: "messages" }];
    writeFileSync(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: templates } }));
  };
  name(upstreams[0]);
  const service = await startServe({ args: ["--config", folder], env: { RUST_LOG: "info" } });
  t.after(() => service.stop());
  const system = await startDev({ env: { AzureSignalRConnectionString: service.connectionString } });
  t.after(() => system.stop());
  const client = await connect(system);
  assert.equal(await client.connection.invoke("shout", 1), "one at /chat/messages/shout");
  writeFileSync(join(folder, "settings.json"), "{");
  await service.says(/upstream settings stay as they were/);
  assert.equal(await client.connection.invoke("shout", 1), "one at /chat/messages/shout");
  name(upstreams[1]);
  await service.says(/upstream settings changed/);
  assert.equal(await client.connection.invoke("shout", 1), "two at /chat/messages/shout");
  await client.stop();
});

/** An upstream that answers with its own name and the called path. */
async function startUpstream(t, name) {
  const server = createHttpServer((request, response) => response.end(JSON.stringify(`${name} at ${request.url}`)));
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

for (const [command, flag] of Object.entries({ dev: "--service-port", serve: "--port" })) {
  test(`${command}: a port in use is named, with what to do`, async (t) => {
    const holder = createServer();
    t.after(() => holder.close());
    await new Promise((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address();
    const { code, stdout, stderr } = await runToEnd([command, flag, port, ...(command === "dev" ? ["--port", 0] : [])]);
    assert.equal(code, COULD_NOT_START, stderr);
    assert.match(stderr, new RegExp(`${port}[^]*in use[^]*${flag}`));
    assert.ok(!stdout.includes("ready"));
  });
}

test("dev: the functions' port in use is named, with what to do", async (t) => {
  const holder = createServer();
  t.after(() => holder.close());
  await new Promise((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address();
  const { code, stderr } = await runToEnd(["dev", "--port", port, "--service-port", 0]);
  assert.equal(code, COULD_NOT_START);
  assert.match(stderr, new RegExp(`${port}[^]*in use[^]*--port`));
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  test(`${signal} ends both commands cleanly`, async () => {
    for (const system of [await startDev(), await startServe()]) {
      assert.equal(await system.stop(signal), 0);
      assert.equal(system.stdout.at(-1), "ready");
    }
  });
}

test("localhost works over both loopback addresses", async () => {
  const system = await startDev();
  for (const port of [portOf(system.page), portOf(system.service)]) {
    for (const host of ["127.0.0.1", "[::1]"]) {
      assert.ok((await fetch(`http://${host}:${port}/api/health`)).status < 500, `${host}:${port}`);
    }
  }
  await system.stop();
});

test("serve: the defaults are those of asrs-emulator", async () => {
  const service = await startServe();
  const port = portOf(service.service);
  const expected = `Endpoint=http://localhost;Port=${port};AccessKey=${DEFAULT_KEY};Version=1.0;`;
  assert.equal(service.connectionString, expected);
  assert.equal((await rest(service, "PUT", "hubs/chat/users/u/groups/g")).status, 200);
  await service.stop();
});

test("serve: either of two keys signs, and the default one does not", async () => {
  const keys = ["the first key, long enough to sign", "the second key, long enough to sign"];
  const service = await startServe({ args: keys.flatMap((key) => ["--access-key", key]) });
  const aud = new URL("/client/?hub=chat", service.service).href;
  const statuses = [...keys, DEFAULT_KEY].map(async (key) => (await negotiate(service, sign(service, { aud }, key))).status);
  assert.deepEqual(await Promise.all(statuses), [200, 200, 401]);
  const printed = [...service.stdout, ...service.stderr].join("\n");
  await service.stop();
  assert.ok(keys.every((key) => !printed.includes(key)), "a key of your own is not printed");
});

test("serve --lenient: any host and lifetime, but no wrong key, and no client calls REST", async () => {
  const service = await startServe({ args: ["--lenient"] });
  const times = { nbf: 1, exp: 2 };
  const client = { aud: "http://elsewhere/client/?hub=chat", ...times };
  assert.equal((await negotiate(service, sign(service, client))).status, 200);
  assert.equal((await negotiate(service, sign(service, client, "another key, long enough to sign"))).status, 401);
  const path = "hubs/chat/users/u/groups/g";
  const caller = { aud: `http://elsewhere/api/${path}`, ...times };
  assert.equal((await rest(service, "PUT", path, { token: sign(service, caller) })).status, 200);
  assert.equal((await rest(service, "PUT", path, { token: sign(service, client) })).status, 401);
  assert.equal((await negotiate(service, sign(service, caller))).status, 401);
  await service.stop();
});

test("serve --lenient off loopback: a warning of its own", async () => {
  const args = ["--lenient", "--access-key", "a key of your own, long enough"];
  const open = await startServe({ args: ["--ip", "0.0.0.0", ...args] });
  await open.stop();
  assert.match(open.stderr.join("\n"), /warning[^]*--lenient/i);
  const local = await startServe({ args });
  await local.stop();
  assert.doesNotMatch(local.stderr.join("\n"), /warning/i);
});

test("serve off loopback with the well-known key is refused, by default or by name", async () => {
  for (const ip of ["0.0.0.0", "::"]) {
    for (const key of [[], ["--access-key", DEFAULT_KEY], ["--access-key", "another", "--access-key", DEFAULT_KEY]]) {
      const { code, stdout, stderr } = await runToEnd(["serve", "--port", 0, "--ip", ip, ...key]);
      assert.equal(code, BAD_CONFIGURATION, stderr);
      assert.match(stderr, /everybody knows[^]*--access-key[^]*--insecure-key/);
      assert.equal(stdout, "");
    }
  }
});

test("serve off loopback: --insecure-key allows the well-known key with a warning", async () => {
  const open = await startServe({ args: ["--ip", "0.0.0.0", "--insecure-key"] });
  await open.stop();
  assert.match(open.stderr.join("\n"), /warning[^]*--access-key/i);
  const own = await startServe({ args: ["--ip", "0.0.0.0", "--access-key", "a key of your own, long enough"] });
  await own.stop();
  assert.doesNotMatch(own.stderr.join("\n"), /warning/i);
  const local = await startServe({ args: ["--ip", "127.0.0.1"] });
  await local.stop();
  assert.doesNotMatch(local.stderr.join("\n"), /warning/i);
});

test("serve: keys come from flags, a variable or a file, and no text shows them", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys");
  writeFileSync(file, "\n  the first key, of a file \r\n\nthe second key, of a file\n");
  const service = await startServe({
    args: ["--ip", "127.0.0.1"],
    env: { SIGNALR_ACCESS_KEY: "a key of a variable", SIGNALR_ACCESS_KEY_FILE: file },
  });
  t.after(() => service.stop());
  const aud = new URL("/client/?hub=chat", service.service).href;
  for (const key of ["a key of a variable", "the first key, of a file", "the second key, of a file"]) {
    assert.equal((await negotiate(service, sign(service, { aud }, key))).status, 200, key);
    assert.ok(!service.stdout.join().includes(key));
  }
  assert.equal((await negotiate(service, sign(service, { aud }, DEFAULT_KEY))).status, 401);
  writeFileSync(file, "\n \n");
  for (const [bad, text] of [[file, /is empty/], [folder, /is a folder/], [join(folder, "absent"), /absent/]]) {
    const { code, stderr } = await runToEnd(["serve", "--access-key-file", bad]);
    assert.equal(code, BAD_CONFIGURATION);
    assert.match(stderr, text);
    assert.match(stderr, /--access-key-file/);
  }
  const empty = await runToEnd(["serve"], { SIGNALR_ACCESS_KEY: "" });
  assert.equal(empty.code, BAD_CONFIGURATION);
  assert.match(empty.stderr, /access-key/);
  const { stdout } = await runToEnd(["serve", "--help"], { SIGNALR_ACCESS_KEY: "a secret of the environment" });
  assert.ok(!stdout.includes("a secret of the environment"));
});

test("dev with a connection string uses that service and starts none", async () => {
  const service = await startServe();
  for (const name of ["AzureSignalRConnectionString", "Azure__SignalR__ConnectionString"]) {
    const system = await startDev({ env: { [name]: service.connectionString } });
    assert.equal(portOf(system.service), portOf(service.service));
    const client = await connect(system, { user: "ann" });
    const answer = await rest(service, "HEAD", `hubs/chat/connections/${client.id}`);
    assert.equal(answer.status, 200);
    assert.ok(!system.stdout.join("\n").includes(DEFAULT_KEY), "its key is not printed");
    await client.stop();
    await system.stop();
  }
  await service.stop();
});

test("help and version are no failures", async () => {
  for (const args of [["--help"], ["dev", "--help"], ["serve", "--help"], ["--version"]]) {
    const { code, stdout } = await runToEnd(args);
    assert.equal(code, 0);
    assert.match(stdout, /signalr/);
  }
});
