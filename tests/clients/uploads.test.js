// A refusal of a call reaches its caller while the caller is still sending, with stock HTTP clients.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { sign } from "./service.js";
import { startDev } from "./system.js";

const PYTHON = fileURLToPath(new URL("python/.venv/bin/python", import.meta.url));
const UPLOAD = fileURLToPath(new URL("python/upload.py", import.meta.url));
const run = promisify(execFile);

/** How often each body is sent; `make uploads` sends it more often. */
const TRIES = Number(process.env.UPLOAD_TRIES ?? 5);
const MEGABYTE = 1024 * 1024;
const SIZES = [1, 5, 20].map((megabytes) => megabytes * MEGABYTE);

let system, folder;
before(async () => {
  system = await startDev();
  folder = await mkdtemp(join(tmpdir(), "uploads-"));
});
after(async () => {
  await rm(folder, { recursive: true });
  await system.stop();
});

/** Calls that are refused before their whole body is read, with the status. */
const CASES = {
  "a wrong token": { place: () => broadcastUrl(), token: () => sign(system, { aud: broadcastUrl() }, "wrong"), status: 401 },
  "a body that is too large": { place: () => broadcastUrl(), token: () => sign(system, { aud: broadcastUrl() }), status: 413, least: 2 },
  "a path that is not there": { place: () => new URL("/nowhere?x=1", system.service).href, token: () => "none", status: 404 },
  "a function's body that is too large": { place: () => new URL("/api/chat/broadcast?x=1", system.negotiate).href, token: () => "none", status: 413, least: 2 },
};

function broadcastUrl() {
  return new URL("/api/hubs/chat/:send?api-version=2024-12-01", system.service).href;
}

async function python(client, url, token, size) {
  const { stdout } = await run(PYTHON, ["-B", UPLOAD, client, url, token, size, TRIES].map(String), { maxBuffer: MEGABYTE });
  return JSON.parse(stdout);
}

/** Sends the body with curl. By default curl asks with `Expect: 100-continue` if it may send; an option in `more` can prevent this. */
async function curl(url, token, size, ...more) {
  const file = join(folder, `${size}`);
  await writeFile(file, Buffer.alloc(size, "a"));
  const headers = ["-H", `authorization: Bearer ${token}`, "-H", "content-type: application/json", ...more];
  const statuses = [];
  for (let i = 0; i < TRIES; i++) {
    const sent = run("curl", ["-q", "-s", "-S", "-o", "/dev/null", "-w", "%{http_code}", ...headers, "--data-binary", `@${file}`, url]);
    statuses.push(await sent.then(({ stdout }) => Number(stdout), (error) => error.stderr));
  }
  return statuses;
}

async function nodeFetch(url, token, size) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const statuses = [];
  for (let i = 0; i < TRIES; i++) {
    const sent = fetch(url, { method: "POST", headers, body: Buffer.alloc(size, "a") });
    statuses.push(
      await sent.then(
        async (answer) => {
          await answer.text();
          return answer.status;
        },
        (error) => `${error.cause ?? error}`,
      ),
    );
  }
  return statuses;
}

const CLIENTS = {
  curl,
  "curl without Expect": (...call) => curl(...call, "-H", "expect:"),
  "curl, HTTP/1.0": (...call) => curl(...call, "--http1.0"),
  "curl, chunked": (...call) => curl(...call, "-H", "transfer-encoding: chunked"),
  "Node's fetch": nodeFetch,
};
for (const client of ["urllib", "http.client", "requests", "requests-chunked", "aiohttp", "aiohttp-chunked"]) {
  CLIENTS[client] = (...call) => python(client, ...call);
}

for (const [name, send] of Object.entries(CLIENTS)) {
  test(`${name}: the status of a refusal arrives each time`, async (t) => {
    for (const [what, { place, token, status, least = 0 }] of Object.entries(CASES)) {
      for (const size of SIZES.filter((size) => size >= least * MEGABYTE)) {
        const came = await send(place(), token(), size);
        const lost = came.filter((each) => each !== status);
        t.diagnostic(`${what}, ${size / MEGABYTE} MB: ${came.length - lost.length} of ${TRIES}`);
        assert.deepEqual(lost, [], `${what}, ${size} bytes: ${lost.length} of ${TRIES} lost`);
      }
    }
  });
}
