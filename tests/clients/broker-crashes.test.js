// The broker crashes many times while a cluster is under load. The full size is BROKER_CRASH_USERS=10000 and
// BROKER_CRASHES=20, with the bounds of a quiet machine.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { residentBytes } from "./memory.js";
import { startRedis } from "./redis.js";
import { clientUrl, rest, sign } from "./service.js";
import { startServeAlone } from "./system.js";
import { until } from "./until.js";

const RECORD_SEPARATOR = "\u001e";
const USERS = Number(process.env.BROKER_CRASH_USERS ?? 300);
const CRASHES = Number(process.env.BROKER_CRASHES ?? 4);
const IS_FULL = CRASHES >= 20;
/** The factor by which a slow machine may take longer. */
const SLACK = IS_FULL ? 1 : 10;
const AT_ONCE = 100;
/** The minimum number of deliveries between two crashes. */
const BETWEEN = 200;

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** Connects a client of each user, without negotiation. `heard` gets the arguments of each message. */
async function connectUsers(node, heard) {
  const url = clientUrl(node).replace("http", "ws");
  const sockets = [];
  const connectOne = async (number) => {
    const token = sign(node, { aud: clientUrl(node), "asrs.s.uid": `user${number}` });
    const socket = new WebSocket(`${url}&access_token=${token}`);
    await once(socket, "open");
    socket.send(`{"protocol":"json","version":1}${RECORD_SEPARATOR}`);
    await once(socket, "message");
    socket.on("message", (data) => {
      for (const text of data.toString().split(RECORD_SEPARATOR)) {
        if (text.includes('"target"')) {
          heard(JSON.parse(text).arguments);
        }
      }
    });
    sockets.push(socket);
  };
  for (let first = 0; first < USERS; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, USERS - first) }, (_, index) => first + index);
    await Promise.all(numbers.map(connectOne));
  }
  return sockets;
}

test(`${USERS} users, and a broker that crashes ${CRASHES} times under load`, async (t) => {
  const args = ["--broker", redis.url];
  const [a, b] = await Promise.all([startServeAlone({ args }), startServeAlone({ args })]);
  t.after(() => Promise.all([a.stop("SIGKILL"), b.stop("SIGKILL")]));
  const [ages, answers] = [[], new Map()];
  let arrived = () => {};
  const sockets = await connectUsers(b, ([sentAt]) => {
    ages.push(performance.now() - sentAt);
    arrived(sentAt);
  });
  t.after(() => sockets.forEach((socket) => socket.terminate()));
  let isOver = false;
  let number = 0;
  const load = async () => {
    while (!isOver) {
      number += 1;
      const body = { target: "m", arguments: [performance.now(), "x".repeat(200)] };
      const { status } = await rest(a, "POST", `hubs/chat/users/user${number % USERS}/:send`, { body });
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  const senders = [load(), load(), load(), load()];
  /** Waits for a message that is sent after this call. Returns how long it took. */
  const untilBack = async () => {
    const begin = performance.now();
    await new Promise((resolve) => {
      arrived = (sentAt) => sentAt > begin && resolve();
    });
    return performance.now() - begin;
  };
  await untilBack();
  const before = [a, b].map(({ pid }) => residentBytes(pid));
  const times = [];
  for (let crash = 0; crash < CRASHES; crash += 1) {
    await redis.crash();
    // Waits until both nodes know that the broker is away.
    for (const { service } of [a, b]) {
      await until(async () => (await fetch(new URL("/ready", service))).status === 503);
    }
    await redis.start();
    times.push(await untilBack());
    const enough = ages.length + BETWEEN;
    while (ages.length < enough) {
      await untilBack();
    }
  }
  const grown = [a, b].map(({ pid }, index) => (residentBytes(pid) - before[index]) / 1e6);
  isOver = true;
  await Promise.all(senders);
  const [longest, oldest] = [Math.max(...times), ages.reduce((most, age) => Math.max(most, age), 0)];
  t.diagnostic(`${ages.length} deliveries, answers ${JSON.stringify([...answers])}`);
  t.diagnostic(`back after ${longest.toFixed(0)} ms at most, the oldest delivery was ${oldest.toFixed(0)} ms old`);
  t.diagnostic(`memory +${grown.map((megabytes) => megabytes.toFixed(1)).join(" and +")} MB`);
  assert.deepEqual([...answers.keys()].sort(), [202, 503]);
  assert.ok(longest < 1000 * SLACK, `back after ${longest} ms`);
  // The service drops messages older than 2 s. Its clock is also the test's. The rest of the bound is the time on the way.
  assert.ok(oldest < 2000 + 250 * SLACK, `a delivery was ${oldest} ms old`);
  assert.ok(Math.max(...grown) < 16 * (IS_FULL ? 1 : 4), `memory +${grown} MB`);
  assert.ok(sockets.every((socket) => socket.readyState === WebSocket.OPEN), "clients stay connected");
});
