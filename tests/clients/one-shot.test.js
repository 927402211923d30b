// The commands that make one call: their output, their effect and their exit codes.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connectDirectly } from "./client.js";
import { parsed } from "./schemas/check.js";
import { callersUrl } from "./service.js";
import { runToEnd, startServe } from "./system.js";

const [WRONG_USE, NOT_FOUND, UNREACHABLE, SERVICE_FAILED, REFUSED] = [64, 66, 69, 70, 77];

let service;
let ann;
before(async () => {
  service = await startServe();
  ann = await connectDirectly(service, { user: "ann" });
  ann.connection.on("double", (number) => 2 * number);
  ann.connection.on("fail", () => Promise.reject(new Error("broken")));
});
after(async () => {
  await ann.stop();
  await service.stop();
});

const environment = () => ({ AzureSignalRConnectionString: service.connectionString, SIGNALR_HUB: "chat" });

/** Runs a command that must succeed. Returns its output, which must have this shape. */
async function json(shape, ...args) {
  const { code, stdout, stderr } = await runToEnd([...args, "--json"], environment());
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  return parsed(shape, stdout);
}

async function fails(expected, args, env = environment()) {
  const { code, stdout, stderr } = await runToEnd(args, env);
  assert.equal(code, expected, `${args.join(" ")}: ${stdout} ${stderr}`);
  return stderr;
}

test("send: to everybody, a user, a group and a connection", async () => {
  await json("done", "group", "add", "readers", "--user", "ann");
  const before = ann.messages.length;
  const message = ["--target", "newMessage", "--arguments", '["é", {"a": [1]}, 12345678901234567890]'];
  await json("send", "send", ...message);
  await json("send", "send", ...message, "--user", "ann");
  await json("send", "send", ...message, "--group", "readers");
  await json("send", "send", ...message, "--connection", ann.id);
  await json("send", "send", ...message, "--except", ann.id);
  await json("send", "send", "--target", "newMessage", "--arguments", '["last"]');
  const all = await ann.received(before + 5);
  assert.equal(all.length - before, 5, "one message left her out");
  assert.deepEqual(all.at(-2).slice(0, 2), ["é", { a: [1] }]);
  assert.deepEqual(all.at(-1), ["last"]);
});

test("group: members come, are listed, and go", async () => {
  await json("done", "group", "add", "g 1/ü", "--connection", ann.id);
  assert.deepEqual(await json("members", "group", "list", "g 1/ü"), [{ connectionId: ann.id, userId: "ann" }]);
  const { stdout } = await runToEnd(["group", "list", "g 1/ü"], environment());
  assert.match(stdout, /^CONNECTION +USER\n.+ +ann$/);
  assert.equal((await json("exists", "group", "exists", "g 1/ü")).exists, true);
  await json("done", "group", "remove", "g 1/ü", "--connection", ann.id);
  await fails(NOT_FOUND, ["group", "exists", "g 1/ü"]);
});

test("user and connection", async () => {
  assert.equal((await json("exists", "user", "exists", "ann")).exists, true);
  assert.equal((await json("exists", "connection", "exists", ann.id)).exists, true);
  await json("done", "group", "add", "crew", "--user", "ann");
  assert.equal((await json("exists", "user", "in-group", "ann", "crew")).exists, true);
  await json("done", "user", "leave-all", "ann");
  await fails(NOT_FOUND, ["user", "in-group", "ann", "crew"]);
  await json("done", "connection", "leave-all", ann.id);
  for (const close of [(bob) => ["connection", "close", bob.id], () => ["user", "close", "bob"], () => ["group", "close", "bobs"]]) {
    const bob = await connectDirectly(service, { user: "bob" });
    await json("done", "group", "add", "bobs", "--connection", bob.id);
    await json("done", ...close(bob), "--reason", "home time");
    await bob.closed;
  }
});

test("token and negotiate: a client connects with them", async () => {
  const { url, accessToken } = await json("negotiate", "negotiate", "--user", "cleo");
  const { token } = await json("token", "token", "--user", "cleo", "--lifetime", "5");
  for (const bearer of [accessToken, token]) {
    const cleo = await connectDirectly(service, { url, http: { accessTokenFactory: () => bearer } });
    assert.equal((await json("exists", "user", "exists", "cleo")).exists, true);
    await cleo.stop();
  }
  const rest = new URL("/api/hubs/chat/users/ann?api-version=2024-12-01", service.service).href;
  const signed = await json("token", "token", "--rest", rest);
  const answer = await fetch(rest, { method: "HEAD", headers: { authorization: `Bearer ${signed.token}` } });
  assert.equal(answer.status, 200);
});

test("invoke: the client's result, or its failure", async () => {
  assert.equal((await json("result", "invoke", ann.id, "--target", "double", "--arguments", "[21]")).result, 42);
  await fails(SERVICE_FAILED, ["invoke", ann.id, "--target", "fail"]);
  await fails(NOT_FOUND, ["invoke", "nobody", "--target", "double"]);
});

test("execute: a filter chooses", async () => {
  const filter = ["--filter", "userId eq 'ann'"];
  const before = ann.messages.length;
  await json("done", "execute", ...filter, "--join", "chosen", "--target", "newMessage", "--arguments", '["chosen"]');
  assert.equal((await json("members", "group", "list", "chosen")).length, 1);
  assert.deepEqual((await ann.received(before + 1)).at(-1), ["chosen"]);
  await fails(WRONG_USE, ["execute", ...filter]);
  await fails(WRONG_USE, ["execute", "--filter", "nonsense (", "--join", "x"]);
});

test("health and openapi", async () => {
  assert.equal((await json("health", "health")).healthy, true);
  const { code, stdout } = await runToEnd(["openapi"], environment());
  assert.equal(code, 0);
  assert.match(JSON.parse(stdout).openapi, /^3\./);
});

test("--dry-run shows the request without its token and sends nothing", async () => {
  const calls = [
    ["send", "--target", "dry"], ["group", "add", "dry", "--user", "ann"], ["group", "list", "dry"], ["user", "exists", "ann"],
    ["connection", "close", ann.id], ["invoke", ann.id, "--target", "double"], ["execute", "--join", "dry"], ["health"], ["openapi"],
  ];
  for (const call of calls) {
    const { url } = await json("request", ...call, "--dry-run");
    assert.ok(url.startsWith(callersUrl(service).replace(/\/$/, "")), url);
    const { stdout, code } = await runToEnd([...call, "--dry-run"], environment());
    assert.equal(code, 0);
    assert.ok(!/eyJ/.test(stdout), stdout);
  }
  assert.equal((await json("exists", "user", "exists", "ann")).exists, true);
  await fails(NOT_FOUND, ["group", "exists", "dry"]);
});

test("a wrong key is refused, a stopped service is unreachable, and each error says what to do", async () => {
  const calls = [["send", "--target", "x"], ["group", "list", "g"], ["user", "exists", "u"], ["execute", "--join", "g"]];
  const wrongKey = service.connectionString.replace(/AccessKey=[^;]+/, "AccessKey=another key, long enough to sign with it");
  const nobody = "Endpoint=http://127.0.0.1:9;AccessKey=another key, long enough";
  for (const call of calls) {
    assert.match(await fails(REFUSED, [...call, "-c", wrongKey]), /access key/);
    assert.match(await fails(UNREACHABLE, [...call, "-c", nobody]), /127\.0\.0\.1:9.*check/s);
  }
  assert.ok(!(await fails(REFUSED, [...calls[0], "-c", wrongKey])).includes("long enough"), "no key is shown");
  await fails(UNREACHABLE, ["health", "-c", nobody]);
  await fails(UNREACHABLE, ["client", "ann", "-c", nobody]);
  await fails(REFUSED, ["client", "ann", "-c", wrongKey]);
});

test("a service that fails", async (t) => {
  const server = createServer((_, response) => response.writeHead(500).end("out of order"));
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const broken = `Endpoint=http://127.0.0.1:${server.address().port};AccessKey=a key, long enough to sign with`;
  await fails(SERVICE_FAILED, ["send", "--target", "x", "-c", broken]);
  await fails(SERVICE_FAILED, ["health", "-c", broken]);
});

test("wrong use: the text says what came and what would do", async () => {
  const none = { SIGNALR_HUB: "chat" };
  assert.match(await fails(WRONG_USE, ["send", "--target", "x"], none), /AzureSignalRConnectionString.*\.env/s);
  assert.match(await fails(WRONG_USE, ["send", "--target", "x"], { ...environment(), SIGNALR_HUB: "" }), /--hub/);
  assert.match(await fails(WRONG_USE, ["send", "--target", "x", "--hub", "a-b"]), /a-b/);
  assert.match(await fails(WRONG_USE, ["send", "--target", "x", "-c", "Endpoint=x"]), /--connection-string/);
  for (const bad of ["hello", "{}", "[1", '"[]"']) {
    assert.match(await fails(WRONG_USE, ["send", "--target", "x", "--arguments", bad]), /sh, bash, zsh: .*PowerShell/s);
  }
  await fails(WRONG_USE, ["send"]);
  await fails(WRONG_USE, ["send", "--target", "x", "--user", "a", "--group", "b"]);
  await fails(WRONG_USE, ["group", "add", "g"]);
});

test("completions and man pages", async (t) => {
  for (const shell of ["bash", "zsh", "fish", "powershell", "elvish"]) {
    const { code, stdout } = await runToEnd(["completions", shell]);
    assert.equal(code, 0);
    assert.match(stdout, /negotiate/);
  }
  const folder = mkdtempSync(join(tmpdir(), "signalr-man-"));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.equal((await runToEnd(["man", join(folder, "man1")])).code, 0);
  const pages = readdirSync(join(folder, "man1"));
  assert.ok(pages.includes("signalr.1") && pages.includes("signalr-send.1"), pages.join(" "));
});
