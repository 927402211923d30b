// Nodes of a cluster that are killed or stopped, as stock clients see it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connectDirectly, stopAll } from "./client.js";
import { publish } from "./publisher.js";
import { startBalancer, startRedis } from "./redis.js";
import { rest } from "./service.js";
import { runToEnd, startServeAlone } from "./system.js";
import { WAYS } from "./wire.js";

/** How many seconds a node is stopped. With 30, the bounds of a quiet machine apply. */
const FROZEN_SECONDS = Number(process.env.FROZEN_SECONDS ?? 0);

const retries = (builder) => builder.withAutomaticReconnect([0, 1000, 2000]);

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const startNode = (prefix) =>
  startServeAlone({ args: ["--broker", redis.url, "--broker-prefix", prefix, "--client-messages", "ignore"] });

async function send(node, path, ...args) {
  const { status, text } = await rest(node, "POST", `${path}/:send`, { body: { target: "newMessage", arguments: args } });
  assert.equal(status, 202, text);
}

/** Asks until the answer has this status. Returns how many milliseconds it took. */
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

/** The nodes that the broker's keys name. */
async function nodeNames(prefix) {
  const keys = await redis.keys(`${prefix}:node:*`);
  return keys.map((key) => key.slice(`${prefix}:node:`.length));
}

/** Waits until the broker has only users' groups and the sign of one of the nodes. */
async function untilOnlyOneIsLeft(prefix, before, limit) {
  assert.equal(before.length, 2);
  const begin = performance.now();
  for (;;) {
    const keys = await redis.keys("*");
    const own = keys.filter((key) => key.startsWith(`${prefix}:`)).toSorted();
    const left = await nodeNames(prefix);
    const wanted = [...left.map((name) => `${prefix}:node:${name}`), `${prefix}:nodes`, `${prefix}:ug:{chat:user1}:p`];
    if (left.length === 1 && before.includes(left[0]) && own.join() === wanted.join()) {
      assert.deepEqual(await redis.ask("ZRANGE", `${prefix}:nodes`, "0", "-1"), left);
      return;
    }
    assert.ok(performance.now() - begin < limit, `there are still ${own}`);
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

  test("clients of a node that is killed are there again on another, and nothing of it stays", async (t) => {
    const [a, b] = await Promise.all([startNode("killed"), startNode("killed")]);
    t.after(() => a.stop());
    // Like a balancer, it sends clients to a node that is running.
    const balancer = await startBalancer([b, a]);
    t.after(() => balancer.stop());
    const clients = await Promise.all(
      [1, 2, 3].map((number) => connectDirectly(b, { at: balancer.url, user: `user${number}`, adapt: retries })),
    );
    const silent = await connectDirectly(b, { user: "silent" });
    const asked = new Promise((resolve) => silent.connection.on("ask", () => new Promise(resolve)));
    assert.equal((await rest(a, "PUT", "hubs/chat/users/user1/groups/lasts")).status, 200);
    await until(a, "hubs/chat/users/user1", 200, 1000);
    const names = await nodeNames("killed");
    const question = rest(a, "POST", `hubs/chat/connections/${silent.id}/:invoke`, { body: { target: "ask", arguments: [] } });
    await asked;
    const killed = performance.now();
    const since = () => performance.now() - killed;
    const questionEnded = question.then(({ status }) => ({ status, after: since() }));
    const back = Promise.all(clients.map((client) => client.reconnected)).then(since);
    await b.stop("SIGKILL");
    const gone = await until(a, "hubs/chat/users/silent", 404, 1000);
    const { status, after: answered } = await questionEnded;
    assert.equal(status, 404);
    const reconnected = await back;
    // The bound is ten times the longest time on a quiet machine.
    assert.ok(answered < 10_000, `a question ended after ${answered} ms`);
    assert.ok(reconnected < 50_000, `clients are back after ${reconnected} ms`);
    await send(a, "hubs/chat/groups/lasts", "in the group again");
    await send(a, "hubs/chat", "we are back");
    assert.deepEqual(await clients[0].received(2), [["in the group again"], ["we are back"]]);
    for (const client of clients.slice(1)) {
      assert.deepEqual(await client.received(1), [["we are back"]]);
    }
    await untilOnlyOneIsLeft("killed", names, 60_000);
    t.diagnostic(`the users were gone after ${gone.toFixed(1)} ms, the question ended after ${answered.toFixed(0)} ms`);
    t.diagnostic(`the clients were back after ${reconnected.toFixed(0)} ms, nothing of it was left after ${since().toFixed(0)} ms`);
    await stopAll(...clients);
  });

  test("a node that stands still holds up nobody, and goes on when it can", async (t) => {
    const nodes = await Promise.all([startNode("frozen"), startNode("frozen"), startNode("frozen")]);
    const [a, frozen, c] = nodes;
    t.after(() => Promise.all(nodes.map((node) => node.stop())));
    // On a slow machine the node may be stopped for longer than a client waits by default.
    const patient = (builder) => builder.withServerTimeout(300_000);
    const [sleeper, reader] = await Promise.all([connectDirectly(frozen, { adapt: patient }), connectDirectly(c)]);
    process.kill(frozen.pid, "SIGSTOP");
    const sends = { count: 2000, seconds: FROZEN_SECONDS, text: "x".repeat(2048) };
    const { count, longest, most } = await publish(a, "hubs/chat", sends);
    const received = await reader.received(count);
    assert.deepEqual(received.map(([number]) => number), Array.from({ length: count }, (_, index) => index));
    // The other node has ended its connection to the broker, so no question goes to it.
    const cut = await until(a, `hubs/chat/connections/${sleeper.id}`, 404, 60_000);
    process.kill(frozen.pid, "SIGCONT");
    await until(a, `hubs/chat/connections/${sleeper.id}`, 200, 10_000);
    const before = sleeper.messages.length;
    await send(a, "hubs/chat", "awake");
    while (!sleeper.messages.some(([first]) => first === "awake")) {
      await sleeper.received(sleeper.messages.length + 1);
    }
    // Beside other tests, a process may wait for a core for longer than a send. No send waits until the node is cut
    // off, which takes 5 s.
    const bound = FROZEN_SECONDS < 30 ? { longest: 2500, most: 500 } : { longest: 50, most: 50 };
    assert.ok(longest < bound.longest && most < bound.most, `a send took ${longest} ms, 99.5 % took ${most} ms at most`);
    t.diagnostic(`the longest send took ${longest.toFixed(1)} ms, the node was cut off after ${cut.toFixed(0)} ms`);
    t.diagnostic(`the client of the node got ${before} of ${count} late`);
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
