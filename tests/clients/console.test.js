// The console sample: `signalr client` and `signalr server`, with typed input and with a pipe.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectDirectly } from "./client.js";
import { parsed } from "./schemas/check.js";
import { BINARY, startDev, startServe } from "./system.js";

const PYTHON = fileURLToPath(new URL("python/.venv/bin/python", import.meta.url));
const TERMINAL = fileURLToPath(new URL("python/terminal.py", import.meta.url));

let service;
before(async () => {
  service = await startServe();
});
after(() => service.stop());

/** Starts a program whose input stays open; `says` waits for a line on its standard output. */
function start(program, args, { env = {}, cwd } = {}) {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, cwd, stdio: "pipe" });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const [stdout, stderr] = [[], []];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  // A program that ends early reads no more input.
  child.stdin.on("error", () => {});
  const ended = Promise.all([once(child, "exit"), once(child.stdout, "close"), once(child.stderr, "close")]).then(([[code, signal]]) => {
    process.off("exit", kill);
    return { code: code ?? signal, stdout, stderr: stderr.join("\n") };
  });
  const says = async (pattern) => {
    for (let looked = 0; ; looked += 1) {
      while (looked >= stdout.length) {
        const outcome = await Promise.race([once(lines, "line"), ended]);
        assert.ok(Array.isArray(outcome), `ended before ${pattern}: ${stdout.join("\n")} ${stderr.join("\n")}`);
      }
      if (pattern.test(stdout[looked])) {
        return stdout[looked];
      }
    }
  };
  return { child, ended, says, stdout };
}

const signalr = (...args) => start(BINARY, [...args, "-c", service.connectionString, "-h", "chat"]);

/** Runs a script until it ends. */
function script(text, ...args) {
  const program = signalr(...args);
  program.child.stdin.end(text);
  return program.ended;
}

test("in a terminal: history, completion, hints, mistakes, and a terminal that closes", async () => {
  const { code, stdout, stderr } = await start(PYTHON, ["-B", TERMINAL, BINARY, service.connectionString]).ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout.at(-1), "done");
});

test("server by pipe: every command", async () => {
  const ann = await connectDirectly(service, { user: "pipe-ann" });
  ann.connection.on("double", (number) => 2 * number);
  const lines = [
    "# a note", "", "broadcast newMessage 1", "send user pipe-ann newMessage 2", "send users pipe-ann,nobody newMessage 3",
    "group add user pipe-ann piped", "send group piped newMessage 4", `group add connection ${ann.id} piped-2`,
    "send groups piped,piped-2 newMessage '{\"a\": 5}'", `send connection ${ann.id} newMessage six`, "list piped",
    "groups", "exists user pipe-ann", "exists group nothing", `exists connection ${ann.id}`, `invoke ${ann.id} double 21`,
    "group remove user pipe-ann piped", `group remove connection ${ann.id} piped-2`, "help", "close user pipe-ann bye", "quit", "nonsense",
  ];
  const { code, stdout, stderr } = await script(lines.join("\n"), "server");
  assert.equal(code, 0, stderr);
  assert.deepEqual(ann.messages, [[1], [2], [3], [4], [{ a: 5 }], [{ a: 5 }], ["six"]]);
  assert.ok(stdout.includes("42") && stdout.some((line) => /^piped +yes$/.test(line)), stdout.join("\n"));
  await ann.closed;
});

test("server by pipe: the first error ends it, unless it is to go on", async () => {
  const text = "exists user nobody\nsend pigeon x\nbroadcast newMessage\n";
  const stopped = await script(text, "server");
  assert.equal(stopped.code, 64);
  assert.match(stopped.stderr, /line 2: .*pigeon.*send user USER/s);
  assert.deepEqual(stopped.stdout, ["user nobody is not there"]);
  const went = await script(text, "server", "--keep-going");
  assert.equal(went.code, 0);
  assert.equal(went.stdout.at(-1), "sent newMessage to everybody");
  const open = await script("broadcast 'newMessage", "server");
  assert.equal(open.code, 64);
  assert.match(open.stderr, /quote/);
});

test("server: the connection string of a .env file", async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), "signalr-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, ".env"), `AzureSignalRConnectionString="${service.connectionString}"\nSIGNALR_HUB=chat\n`);
  const program = start(BINARY, ["server"], { cwd });
  program.child.stdin.end("exists user nobody\n");
  assert.deepEqual((await program.ended).stdout, ["user nobody is not there"]);
});

for (const transport of ["websockets", "sse", "polling"]) {
  for (const protocol of transport === "sse" ? ["json"] : ["json", "messagepack"]) {
    test(`client, ${transport}, ${protocol}: messages, one line each`, async () => {
      const user = `${transport}-${protocol}`;
      const client = signalr("client", user, "--transport", transport, "--protocol", protocol, "--json", "--listen");
      await client.says(/"connected"/);
      await script(`send user ${user} m 1 "\\"two\\"" '{"a":[null]}'\nclose user ${user} 'home time'\n`, "server");
      await client.says(/"message"/);
      await client.says(/"reconnected"/);
      client.child.kill("SIGTERM");
      const { code, stdout } = await client.ended;
      assert.equal(code, 0);
      const events = stdout.map((line) => parsed("event", line));
      assert.deepEqual(events[1], { event: "message", target: "m", arguments: [1, "two", { a: [null] }] });
      assert.match(events[2].reason, /home time/);
    });
  }
}

test("client: through a negotiate function, with calls that an upstream answers", async (t) => {
  const system = await startDev();
  t.after(() => system.stop());
  const client = start(BINARY, ["client", "ann", "--url", system.negotiate, "--json"]);
  await client.says(/"connected"/);
  client.child.stdin.end("invoke send ann lobby hello\ninvoke nothing-of-that-name 1\n");
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 70, stderr);
  assert.match(stderr, /nothing-of-that-name/);
  const events = stdout.map((line) => parsed("event", line));
  assert.deepEqual(events.find(({ event }) => event === "result"), { event: "result", target: "send", result: null });
});

test("client: it ends after --count messages, at the end of its input, and if it may not reconnect", async () => {
  const counted = signalr("client", "counted", "--listen", "--count", "2");
  await counted.says(/connected/);
  await script("send user counted m 1\nsend user counted m 2\n", "server");
  assert.deepEqual((await counted.ended).stdout.slice(1), ["m [1]", "m [2]"]);
  assert.equal((await script("", "client", "x")).code, 0);
  const closed = signalr("client", "closed", "--listen", "--no-reconnect");
  await closed.says(/connected/);
  await script("close user closed bye\n", "server");
  const { code, stderr } = await closed.ended;
  assert.equal(code, 70);
  assert.match(stderr, /bye/);
});

test("client: a pipe that closes ends it quietly", async () => {
  const client = signalr("client", "piped", "--listen");
  await client.says(/connected/);
  client.child.stdout.destroy();
  await script("send user piped m\nsend user piped m\n", "server");
  const { code, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
});
