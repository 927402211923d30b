// Calls to the function app on a port that must be refused. If a client would correct a request, the test sends its bytes itself.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as dial } from "node:net";
import { after, before, test } from "node:test";
import { connect, newMessage } from "./client.js";
import { HUB, startApp, startService } from "./programs.js";

const KEY = "right-key";
const ALLOWED = "https://app.example";

let service;
let app;
let client;
before(async () => {
  service = await startService();
  app = await startApp(service, { FUNCTION_KEY: `${KEY},next-key`, ALLOWED_ORIGINS: ALLOWED });
  client = await connect(`${app.url}/api/${HUB}`);
});
after(async () => {
  await client?.stop();
  await Promise.all([app?.stop(), service?.stop()]);
});

/** Sends the bytes of a request. Returns the status of the answer, or `closed`. */
async function raw(...parts) {
  const socket = dial(new URL(app.url).port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  let answer = "";
  socket.setEncoding("latin1").on("data", (text) => {
    answer += text;
    socket.end();
  });
  for (const part of parts) {
    socket.write(part);
  }
  await once(socket, "close");
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]) || "closed";
}

function request(path, { method = "POST", headers = [], body = "" } = {}) {
  const lines = [`${method} ${path} HTTP/1.1`, "host: x", "content-type: application/json", ...headers, `content-length: ${body.length}`];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

function broadcast(headers, { path = "/api/broadcast", body = JSON.stringify(newMessage("never")) } = {}) {
  return fetch(`${app.url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

/** Earlier messages arrive before this one, so after it the test knows that nothing else has arrived. */
async function nothingArrived() {
  const last = await broadcast({ "x-functions-key": KEY }, { body: JSON.stringify(newMessage("last")) });
  assert.equal(last.status, 202);
  assert.deepEqual(await client.until("last"), ["last"]);
}

test("a missing or wrong key", async () => {
  const wrong = ["", "wrong", "right-ke", "right-key1", "RIGHT-KEY", `${KEY},next-key`, ",", "%00", "x".repeat(5000)];
  assert.equal((await broadcast({})).status, 401);
  for (const key of wrong) {
    assert.equal((await broadcast({ "x-functions-key": key })).status, 401, key);
    assert.equal((await broadcast({}, { path: `/api/broadcast?code=${encodeURIComponent(key)}` })).status, 401, key);
    assert.equal((await broadcast({}, { path: `/api/group-admin?code=${encodeURIComponent(key)}` })).status, 401, key);
  }
  assert.equal((await broadcast({ authorization: `Bearer ${KEY}`, cookie: `code=${KEY}` })).status, 401);
  assert.equal((await broadcast({}, { path: `/api/broadcast?code=${KEY}&code=wrong` })).status, 400);
  await nothingArrived();
});

test("either of two keys will do", async () => {
  for (const key of [KEY, "next-key"]) {
    assert.equal((await broadcast({ "x-functions-key": key }, { body: JSON.stringify(newMessage(key)) })).status, 202);
    await client.until(key);
  }
});

test("path tricks reach no function", async () => {
  const paths = [
    "/api/chat/../broadcast",
    "/api/../broadcast",
    "/x/../api/broadcast",
    "/api/%2e%2e/broadcast",
    "/api/%2e/broadcast",
    "/api/./broadcast",
    "/api//broadcast",
    "//api/broadcast",
    "/api/broadcast/",
    "/api/broadcast//",
    "/api/broadcast/.",
    "/api/broadcast%2f",
    "/api/%62roadcast",
    "/api/broadcast;x=y",
    "/api\\broadcast",
    "/api/chat%2fbroadcast",
    "/api/ch%00at/broadcast",
    "/api/chat/broadcast/negotiate",
    "/admin/functions/broadcast",
    "/runtime/webhooks/signalr",
    "/api/BROADCAST",
    "/etc/passwd",
  ];
  for (const path of paths) {
    const status = await raw(request(`${path}?code=${KEY}`, { body: JSON.stringify(newMessage("never")) }));
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
  }
  await nothingArrived();
});

test("bodies past 1 MiB, announced or not", async () => {
  const large = JSON.stringify(newMessage("x".repeat(1024 * 1024)));
  assert.equal((await broadcast({ "x-functions-key": KEY }, { body: large })).status, 413);
  const head = request("/api/broadcast", { headers: [`x-functions-key: ${KEY}`] }).replace("content-length: 0", "transfer-encoding: chunked");
  const chunk = `10000\r\n${"x".repeat(65536)}\r\n`;
  assert.equal(await raw(head, chunk.repeat(17), "0\r\n\r\n"), 413);
  await nothingArrived();
});

test("floods of headers", async () => {
  const many = Array.from({ length: 1000 }, (_, index) => `x-${index}: y`);
  assert.equal(await raw(request("/api/negotiate", { headers: many })), 431);
  const long = [`x-long: ${"y".repeat(1024 * 1024)}`];
  assert.ok([431, "closed"].includes(await raw(request("/api/negotiate", { headers: long }))));
  assert.equal(await raw(request("/api/negotiate")), 200);
});

test("requests that two readers could read in two ways", async () => {
  const twice = request("/api/negotiate", { headers: ["content-length: 5"] });
  assert.ok([400, "closed"].includes(await raw(twice)));
  assert.equal(await raw("POST /api/negotiate HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n"), 400);
  assert.equal(await raw("\u0000\u0001\u0002\r\n\r\n"), 400);
});

test("pages of origins that are not allowed read nothing", async () => {
  for (const origin of ["https://evil.example", "https://app.example.evil.test", "http://app.example", "null"]) {
    const ask = { origin, "access-control-request-method": "POST" };
    for (const answer of [
      await fetch(`${app.url}/api/negotiate`, { method: "OPTIONS", headers: ask }),
      await fetch(`${app.url}/api/negotiate`, { method: "POST", headers: { origin } }),
    ]) {
      assert.equal(answer.headers.get("access-control-allow-origin"), null, origin);
    }
  }
  const allowed = await fetch(`${app.url}/api/negotiate`, { method: "POST", headers: { origin: ALLOWED } });
  assert.equal(allowed.headers.get("access-control-allow-origin"), ALLOWED);
});

test("on a port of this machine without a key, a foreign page still sends nothing", async (t) => {
  const open = await startApp(service, { ALLOWED_ORIGINS: ALLOWED });
  t.after(() => open.stop());
  const send = (headers) =>
    fetch(`${open.url}/api/broadcast`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(newMessage("never")),
    });
  assert.equal((await send({ origin: "https://evil.example" })).status, 403);
  assert.equal((await send({ origin: ALLOWED, "content-type": "text/plain" })).status, 415);
  await nothingArrived();
});
