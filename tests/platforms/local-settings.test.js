// `signalr dev` in the folder of a function app: it reads local.settings.json and prints none of its secrets.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claimsOf, connect } from "./client.js";
import { freePort } from "../clients/ports.js";
import { ROOT, run, start, startService } from "./programs.js";

/** Starts `signalr dev` in a folder with this file. */
async function startDev(t, file, { args = [], env = {} } = {}) {
  const cwd = await folder(t, file);
  const program = start(`${ROOT}target/debug/signalr`, ["dev", ...args], { cwd, env });
  t.after(() => program.stop());
  await program.said(/^ready$/);
  const url = (await program.said(/^clients\s+(\S+)$/)).replace(/\/api\/.*$/, "");
  return { ...program, url };
}

async function folder(t, file) {
  const cwd = await mkdtemp(join(tmpdir(), "signalr-"));
  t.after(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, "local.settings.json"), typeof file === "string" ? file : JSON.stringify(file));
  return cwd;
}

test("values, CORS and port count, a variable goes before them, and no secret is printed", async (t) => {
  const [port, servicePort] = [await freePort(), await freePort()];
  const file = `{
    // written by hand
    "IsEncrypted": false,
    "Values": {
      "FUNCTIONS_WORKER_RUNTIME": "custom",
      "AzureSignalRConnectionString": "Endpoint=http://localhost;Port=${servicePort};AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;",
      "SIGNALR_HUB": "orders",
      "FUNCTION_KEY": "s3cret-key",
      "NEGOTIATE_TOKEN_LIFETIME": "60",
    },
    "Host": { "LocalHttpPort": ${port}, "CORS": "https://app.example/" },
  }`;
  const env = { NEGOTIATE_TOKEN_LIFETIME: "90" };
  const dev = await startDev(t, file, { args: ["--service-port", servicePort], env });
  assert.equal(dev.url, `http://localhost:${port}`);
  // The file names the service that the command starts.
  const client = await connect(`${dev.url}/api/orders`);
  await client.stop();
  const answer = await fetch(`${dev.url}/api/negotiate`, { method: "POST", headers: { origin: "https://app.example" } });
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
  const { url, accessToken } = await answer.json();
  assert.match(url, /hub=orders$/);
  const claims = claimsOf(accessToken);
  assert.equal(claims.exp - claims.nbf, 90);
  const broadcast = (key) =>
    fetch(`${dev.url}/api/broadcast`, {
      method: "POST",
      headers: { "content-type": "application/json", ...key },
      body: JSON.stringify({ target: "t", arguments: [] }),
    });
  assert.equal((await broadcast({})).status, 401);
  assert.equal((await broadcast({ "x-functions-key": "s3cret-key" })).status, 202);
  const said = dev.lines.join("\n");
  assert.match(said, /^settings\s+local\.settings\.json \(.*FUNCTION_KEY.*\)$/m);
  assert.ok(!said.includes("s3cret"), said);
});

test("another service that the file names is used, and a * for CORS is warned of", async (t) => {
  const service = await startService();
  t.after(() => service.stop());
  const port = await freePort();
  const file = { Values: { AzureSignalRConnectionString: service.connectionString }, Host: { CORS: "*" } };
  const dev = await startDev(t, file, { args: ["--port", port] });
  const { url } = await (await fetch(`${dev.url}/api/chat/negotiate`, { method: "POST" })).json();
  assert.ok(url.startsWith(service.url), url);
  assert.ok(dev.lines.some((line) => line.startsWith("WARNING: pages of this machine alone may call")));
  assert.ok(!dev.lines.join("\n").includes("AccessKey"));
});

test("a file that cannot be used ends the command, and its values are not shown", async (t) => {
  for (const [file, reason] of [
    [{ IsEncrypted: true, Values: { FUNCTION_KEY: "s3cret" } }, /local\.settings\.json is encrypted/],
    ['{"Values":{"FUNCTION_KEY":"s3cret"', /local\.settings\.json is not JSON at line 1/],
    [{ Values: { AzureSignalRConnectionString: "AccessKey=s3cret" } }, /AzureSignalRConnectionString: /],
  ]) {
    const cwd = await folder(t, file);
    const ended = await run(`${ROOT}target/debug/signalr`, ["dev", "--port", "0", "--service-port", "0"], { cwd });
    assert.equal(ended.code, 64);
    assert.match(ended.stderr, reason);
    assert.ok(!ended.stderr.includes("s3cret"), ended.stderr);
  }
});
