// Stateful reconnect in a cluster: a client that reaches another node continues there.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connectDirectly, stopAll } from "./client.js";
import { startCutter } from "./cutter.js";
import { startBalancer, startRedis } from "./redis.js";
import { rest } from "./service.js";
import { startServeAlone } from "./system.js";

const MESSAGES = 2000;
const CLIENTS = 6;
const CUTS = 20;

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

async function startNodes(t, prefix, count) {
  const args = ["--broker", redis.url, "--broker-prefix", prefix, "--client-messages", "ignore", "--drain-spread", 1];
  const nodes = await Promise.all(Array.from({ length: count }, () => startServeAlone({ args })));
  t.after(() => Promise.all(nodes.map((node) => node.stop("SIGKILL"))));
  return nodes;
}

async function send(node, path, ...args) {
  const { status, text } = await rest(node, "POST", `${path}/:send`, { body: { target: "newMessage", arguments: args } });
  assert.equal(status, 202, text);
}

/** Clients that are in the group `g` by themselves, and in `of-users` through their user. */
async function connectAll(node, at) {
  const adapt = (builder) => builder.withStatefulReconnect();
  const connectOne = (_, index) =>
    connectDirectly(node, { at, adapt, user: `user${index}`, protocol: index % 2 === 0 ? "json" : "messagepack" });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, connectOne));
  for (const [index, client] of clients.entries()) {
    assert.equal((await rest(node, "PUT", `hubs/chat/groups/g/connections/${client.id}`)).status, 200);
    assert.equal((await rest(node, "PUT", `hubs/chat/users/user${index}/groups/of-users`)).status, 200);
  }
  return clients;
}

/** Sends numbers through every node and to every kind of target. Each client gets each number once. */
async function sendAll(senders, clients) {
  const paths = ["hubs/chat", "hubs/chat/groups/g", "hubs/chat/groups/of-users"];
  for (let number = 0; number < MESSAGES; number += 1) {
    await send(senders[number % senders.length], paths[number % paths.length], number, "x".repeat(number % 500));
  }
  const numbers = Array.from({ length: MESSAGES }, (_, index) => index);
  for (const client of clients) {
    const closed = client.closed.then((error) => assert.fail(`closed: ${error}`));
    const received = (await Promise.race([client.received(MESSAGES), closed])).map(([number]) => number);
    // The messages of one sender keep their order.
    for (let own = 0; own < senders.length; own += 1) {
      const ofSender = (number) => number % senders.length === own;
      assert.deepEqual(received.filter(ofSender), numbers.filter(ofSender));
    }
  }
}

describe("stateful reconnect in a cluster", () => {
  test(`${CLIENTS} clients, cut ${CUTS} times, reach another node each time: all messages come, in order, once`, async (t) => {
    const nodes = await startNodes(t, "cut", 3);
    const balancer = await startBalancer(nodes, { inTurn: true });
    t.after(() => balancer.stop());
    const cutter = await startCutter(balancer.url);
    t.after(() => cutter.stop());
    const clients = await connectAll(nodes[0], cutter.url);
    const ids = clients.map((client) => client.id);
    let [next, cuts] = [0, 0];
    clients[0].connection.on("newMessage", (number) => {
      if (cuts < CUTS && number >= next) {
        next = number + MESSAGES / CUTS / 2;
        cuts += 1;
        cutter.cut();
      }
    });
    await sendAll(nodes, clients);
    assert.equal(cuts, CUTS);
    assert.deepEqual(clients.map((client) => client.id), ids);
    for (const id of ids) {
      assert.equal((await rest(nodes[0], "HEAD", `hubs/chat/connections/${id}`)).status, 200);
    }
    await stopAll(...clients);
  });

  test("a node that ends hands its clients over: they miss nothing, and do not notice", async (t) => {
    const nodes = await startNodes(t, "ended", 3);
    const [ending, ...others] = nodes;
    const balancer = await startBalancer([ending]);
    t.after(() => balancer.stop());
    const clients = await connectAll(ending, balancer.url);
    const ids = clients.map((client) => client.id);
    // A balancer that has seen the 503 of /ready does the same.
    balancer.goTo(others);
    const sent = sendAll(others, clients);
    await clients[0].received(MESSAGES / 10);
    assert.equal(await ending.stop(), 0);
    await sent;
    assert.deepEqual(clients.map((client) => client.id), ids);
    await stopAll(...clients);
  });
});
