// Nodes of a cluster that are killed or stand still, as stock clients see it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connectDirectly, stopAll } from "./client.js";
import { rest } from "./service.js";
import { runToEnd, startServe } from "./system.js";
import { WAYS } from "./wire.js";

const retries = (builder) => builder.withAutomaticReconnect([0, 1000, 2000]);

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const startNode = (prefix) =>
  startServe({ args: ["--broker", redis.url, "--broker-prefix", prefix, "--client-messages", "ignore"] });

async function send(node, path, ...args) {
  const { status, text } = await rest(node, "POST", `${path}/:send`, { body: { target: "newMessage", arguments: args } });
  assert.equal(status, 202, text);
}

/** Asks until the answer is this status, and gives how many milliseconds it took. */
async function until(node, path, wanted, limit) {
  const begin = performance.now();
  for (;;) {
    const { status } = await rest(node, "GET", path);
    const elapsed = performance.now() - begin;
    if (status === wanted) {
      return elapsed;
    }
    assert.ok(elapsed < limit, `${path} is ${status} after ${elapsed} ms`);
  }
}

describe("a cluster", () => {
  test("clients of every way get what is sent through another node", async (t) => {
    const nodes = await Promise.all([startNode("ways"), startNode("ways")]);
    t.after(() => Promise.all(nodes.map((node) => node.stop())));
    const [a, b] = nodes;
    const clients = await Promise.all(WAYS.map((way) => connectDirectly(b, way)));
    for (const client of clients) {
      const path = `hubs/chat/groups/g/connections/${client.id}`;
      assert.equal((await rest(a, "PUT", path)).status, 200);
    }
    await send(a, "hubs/chat/groups/g", "to the group", 1);
    for (const client of clients) {
      await send(a, `hubs/chat/connections/${client.id}`, "to one");
      assert.deepEqual(await client.received(2), [["to the group", 1], ["to one"]]);
    }
    await stopAll(...clients);
  });

  test("clients of a node that is killed are there again on another", async (t) => {
    const [a, b] = await Promise.all([startNode("killed"), startNode("killed")]);
    t.after(() => a.stop());
    // What a balancer does: it sends clients to a node that is there.
    const balancer = await startBalancer([b, a]);
    t.after(() => balancer.stop());
    const clients = await Promise.all(
      [1, 2, 3].map((number) => connectDirectly(b, { at: balancer.url, user: `user${number}`, adapt: retries })),
    );
    await until(a, "hubs/chat/users/user1", 200, 1000);
    await b.stop("SIGKILL");
    const gone = await until(a, "hubs/chat/users/user1", 404, 1000);
    await Promise.all(clients.map((client) => client.reconnected));
    await send(a, "hubs/chat", "we are back");
    for (const client of clients) {
      assert.deepEqual(await client.received(1), [["we are back"]]);
    }
    t.diagnostic(`the users were gone after ${gone.toFixed(1)} ms`);
    await stopAll(...clients);
  });

  test("a node that stands still holds up nobody, and goes on when it can", async (t) => {
    const nodes = await Promise.all([startNode("frozen"), startNode("frozen"), startNode("frozen")]);
    const [a, frozen, c] = nodes;
    t.after(() => Promise.all(nodes.map((node) => node.stop())));
    const [sleeper, reader] = await Promise.all([connectDirectly(frozen), connectDirectly(c)]);
    process.kill(frozen.pid, "SIGSTOP");
    let longest = 0;
    const text = "x".repeat(2048);
    for (let number = 0; number < 2000; number += 1) {
      const begin = performance.now();
      await send(a, "hubs/chat", number, text);
      longest = Math.max(longest, performance.now() - begin);
    }
    const received = await reader.received(2000);
    assert.deepEqual(received.map(([number]) => number), Array.from({ length: 2000 }, (_, index) => index));
    // Its connection to the broker is ended, and so it is asked nothing more.
    const cut = await until(a, `hubs/chat/connections/${sleeper.id}`, 404, 60_000);
    process.kill(frozen.pid, "SIGCONT");
    await until(a, `hubs/chat/connections/${sleeper.id}`, 200, 10_000);
    const before = sleeper.messages.length;
    await send(a, "hubs/chat", "awake");
    while (!sleeper.messages.some(([first]) => first === "awake")) {
      await sleeper.received(sleeper.messages.length + 1);
    }
    assert.ok(longest < 500, `a send took ${longest} ms`);
    t.diagnostic(`the longest send took ${longest.toFixed(1)} ms, the node was cut off after ${cut.toFixed(0)} ms`);
    t.diagnostic(`the client of the node got ${before} of 2000 late`);
    await stopAll(sleeper, reader);
  });

  test("the command prints the nodes, and a broker that does not fit ends it with the reason", async (t) => {
    const nodes = await Promise.all([startNode("status"), startNode("status")]);
    t.after(() => Promise.all(nodes.map((node) => node.stop())));
    const args = ["cluster", "status", "--broker", redis.url, "--broker-prefix", "status"];
    const { code, stdout } = await runToEnd(args);
    assert.equal(code, 0);
    for (const node of nodes) {
      assert.ok(stdout.includes(new URL(node.service).port), stdout);
    }
    assert.match(stdout, /^2 nodes, 0 connections$/m);
    for (const broker of ["nats://localhost", "redis://:secret@localhost:x", "localhost"]) {
      const refused = await runToEnd(["serve", "--port", "0", "--broker", broker]);
      assert.equal(refused.code, 64, refused.stderr);
      assert.match(refused.stderr, /--broker: /);
      assert.doesNotMatch(refused.stderr, /secret/);
    }
    const absent = await runToEnd(["serve", "--port", "0", "--broker", "redis://127.0.0.1:1"]);
    assert.equal(absent.code, 1, absent.stderr);
    assert.match(absent.stderr, /127\.0\.0\.1:1/);
  });
});

/** Redis on a free port. */
async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), "redis-"));
  const port = await freePort();
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder].map(String);
  const child = spawn(process.env.REDIS_SERVER ?? "redis-server", args, { stdio: "ignore" });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "exit");
  await accepts(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      process.off("exit", kill);
      kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** Passes sockets on to the first of the nodes that takes them. */
async function startBalancer(nodes) {
  const ports = nodes.map((node) => Number(new URL(node.service).port));
  const sockets = new Set();
  const server = createServer((client) => {
    const open = (index) => {
      if (index === ports.length) {
        client.destroy();
        return;
      }
      const node = connectSocket(ports[index], "127.0.0.1");
      sockets.add(client).add(node);
      const refused = () => open(index + 1);
      node.once("error", refused);
      node.once("connect", () => {
        node.off("error", refused);
        for (const [one, other] of [[client, node], [node, client]]) {
          one.on("error", () => other.destroy());
          one.on("close", () => other.destroy());
          one.pipe(other);
        }
      });
    };
    open(0);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${server.address().port}/`,
    stop() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function accepts(port) {
  for (;;) {
    const socket = connectSocket(port, "127.0.0.1");
    const came = await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)]).catch(
      () => false,
    );
    socket.destroy();
    if (came) {
      return;
    }
  }
}
