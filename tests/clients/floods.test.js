// Callers that open sockets and do nothing with them, while others are served.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { after, test } from "node:test";
import WebSocket from "ws";
import { clientUrl, negotiate, rest, sign } from "./service.js";
import { portOf, startServe } from "./system.js";

/** Both a test's process and the service may have 20,000 files open on a common machine. */
const HALF_HEADS = 9000;
const HEADS = [
  "G",
  "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n",
  "GET /client/?hub=chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: webso",
  "POST /api/hubs/chat/:send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000",
];
/** The time limit of an incomplete head, and how long its end may take on a busy machine. */
const HEAD_SECONDS = 10;
const PATIENCE_SECONDS = 60;

const services = [];
after(() => Promise.all(services.map((service) => service.stop())));

async function start(args = []) {
  const service = await startServe({ args });
  services.push(service);
  return service;
}

/** Opens a socket, sends the text, and continues to read. `ended` is the time in seconds until the end, `came` the received text. */
async function caller(service, text) {
  const socket = connectSocket(portOf(service.service), "127.0.0.1");
  await once(socket, "connect");
  const begun = performance.now();
  const caller = { socket, came: "" };
  socket.on("data", (data) => (caller.came += data));
  socket.on("error", () => {});
  caller.ended = new Promise((resolve) => socket.on("close", () => resolve((performance.now() - begun) / 1000)));
  socket.write(text);
  return caller;
}

async function health(service) {
  const begun = performance.now();
  const { status } = await fetch(new URL("/api/v1/health", service.service));
  assert.equal(status, 200);
  return performance.now() - begun;
}

/** A client after its handshake. It receives everything that is sent from then on. */
async function client(service) {
  const token = sign(service, { aud: clientUrl(service) });
  const socket = new WebSocket(clientUrl(service).replace("http", "ws"), { headers: { authorization: `Bearer ${token}` } });
  const heard = [];
  const waiting = [];
  socket.on("message", (data) => {
    for (const message of data.toString().split("\x1e").filter(Boolean)) {
      heard.push(JSON.parse(message));
      waiting.splice(0).forEach((resolve) => resolve());
    }
  });
  await once(socket, "open");
  socket.send('{"protocol":"json","version":1}\x1e');
  const hears = async (target) => {
    while (!heard.some((message) => (target === undefined ? message.type === undefined : message.target === target))) {
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  await hears();
  return { socket, hears };
}

async function broadcast(service, target) {
  const { status } = await rest(service, "POST", "hubs/chat/:send", { body: { target, arguments: [] } });
  assert.equal(status, 202);
}

test(`${HALF_HEADS} half requests: others are served, and each is cut off in its time`, async (t) => {
  const service = await start();
  const early = await client(service);
  const callers = [];
  const begun = performance.now();
  for (let i = 0; i < HALF_HEADS; i += 500) {
    callers.push(...(await Promise.all(Array.from({ length: 500 }, (_, j) => caller(service, HEADS[(i + j) % HEADS.length])))));
  }
  t.diagnostic(`all are there after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const late = await client(service);
  assert.equal((await negotiate(service, sign(service, { aud: clientUrl(service) }))).status, 200);
  await broadcast(service, "amid");
  await Promise.all([early, late].map(({ hears }) => hears("amid")));
  t.diagnostic(`health in ${(await health(service)).toFixed(1)} ms`);
  const seconds = await Promise.all(callers.map(({ ended }) => ended));
  t.diagnostic(`cut off after ${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)} s`);
  assert.ok(Math.min(...seconds) >= HEAD_SECONDS - 1 && Math.max(...seconds) < PATIENCE_SECONDS);
  assert.deepEqual(callers.filter(({ came }) => came !== ""), []);
  await broadcast(service, "behind");
  await Promise.all([early, late].map(({ hears }) => hears("behind")));
  [early, late].forEach(({ socket }) => socket.terminate());
});

test("callers who take every socket are refused at once, and health is answered as soon as they go on", async (t) => {
  const service = await start(["--max-sockets", 64]);
  const flood = await Promise.all(Array.from({ length: 200 }, () => caller(service, "G")));
  const refused = flood.filter(({ came }) => came.startsWith("HTTP/1.1 503 "));
  // The reserved places are free again before the time limit of an incomplete head is over.
  let answered;
  const begun = performance.now();
  while (answered === undefined && performance.now() - begun < PATIENCE_SECONDS * 1000) {
    // If many callers are refused at the same time, some are closed without an answer.
    const status = await fetch(new URL("/api/v1/health", service.service)).then((answer) => answer.status, () => undefined);
    answered = status === 200 ? (performance.now() - begun) / 1000 : undefined;
  }
  t.diagnostic(`health after ${answered?.toFixed(1)} s; ${refused.length} were refused before`);
  assert.ok(answered < HEAD_SECONDS - 1, `health after ${answered} s`);
  await Promise.all(flood.map(({ ended }) => ended));
  const counted = flood.filter(({ came }) => came.startsWith("HTTP/1.1 503 ")).length;
  const silent = flood.filter(({ came }) => came === "").length;
  assert.ok(silent >= 64 && counted > 0 && counted + silent === 200, `${counted} refused, ${silent} without an answer`);
});
