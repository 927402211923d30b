// `signalr serve` with its own TLS: stock clients, bad files, and a certificate that changes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { portOf, runToEnd, startServe } from "./system.js";
import { until } from "./until.js";

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL("./tls-client.js", import.meta.url));

let folder;
const cert = (name) => join(folder, `${name}.pem`);
const key = (name) => join(folder, `${name}.key`);
const fingerprint = (name) => new X509Certificate(readFileSync(cert(name))).fingerprint256;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalr-"));
  await Promise.all(["one", "two"].map((name) => makeCertificate(name)));
});
after(() => rmSync(folder, { recursive: true }));

/** A certificate for localhost, signed by itself or by another certificate. */
async function makeCertificate(name, authority) {
  const names = ["-subj", `/CN=localhost/O=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  const by = authority ? ["-CA", cert(authority), "-CAkey", key(authority), "-addext", "basicConstraints=CA:FALSE"] : [];
  await run("openssl", ["req", "-x509", ...kind, ...names, ...by, "-keyout", key(name), "-out", cert(name)]);
}

/** The fingerprint of the certificate that a port uses. */
async function shown(port) {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test("stock clients of each transport over wss and https", async () => {
  const service = await startServe({ args: ["--tls-cert", cert("one"), "--tls-key", key("one")] });
  assert.match(service.service, /^https:\/\/localhost:/);
  assert.match(service.connectionString, /^Endpoint=https:\/\/localhost;/);
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: cert("one") };
  const { stdout } = await run(process.execPath, [CLIENT, service.service, service.connectionString], { env });
  const received = JSON.parse(stdout);
  assert.deepEqual(
    received.map(({ transport }) => transport),
    ["WebSockets", "WebSockets", "ServerSentEvents", "LongPolling", "LongPolling"],
  );
  received.forEach(({ lengths }) => assert.deepEqual(lengths, [5, 100_000, 4]));
  assert.equal(await service.stop(), 0);
});

test("commands trust the authorities of SSL_CERT_FILE or --trust", async () => {
  await makeCertificate("signed", "one");
  const service = await startServe({ args: ["--tls-cert", cert("signed"), "--tls-key", key("signed")] });
  const call = (command, env, ...args) => runToEnd([...command, "-c", service.connectionString, ...args], env);
  const commands = [["health"], ["openapi"], ["send", "--hub", "chat", "--target", "t"], ["client", "ann", "--hub", "chat"]];
  for (const command of commands) {
    const name = command[0];
    assert.equal((await call(command, { SSL_CERT_FILE: cert("one") })).code, 0, name);
    assert.equal((await call(command, {}, "--trust", cert("one"))).code, 0, name);
    const wary = await call(command, { SSL_CERT_FILE: cert("two") });
    assert.equal(wary.code, 69, `${name}: ${wary.stderr}`);
    assert.match(wary.stderr, /certificate/i, name);
  }
  const missing = await call(["health"], {}, "--trust", "/nowhere.pem");
  assert.equal(missing.code, 64);
  assert.match(missing.stderr, /'\/nowhere.pem' cannot be read/);
  assert.equal(await service.stop(), 0);
});

test("a changed certificate is used, and a broken one is logged and changes nothing", async () => {
  const env = { SIGNALR_TLS_CERT: cert("live"), SIGNALR_TLS_KEY: key("live") };
  const use = (name) => {
    writeFileSync(cert("live"), readFileSync(cert(name)));
    writeFileSync(key("live"), readFileSync(key(name)));
  };
  use("one");
  const service = await startServe({ env });
  const port = portOf(service.service);
  assert.equal(await shown(port), fingerprint("one"));
  writeFileSync(key("live"), readFileSync(key("two")));
  await service.says(/certificate stays as it was.*does not belong to the first certificate/);
  assert.equal(await shown(port), fingerprint("one"));
  use("two");
  await until(async () => (await shown(port)) === fingerprint("two"));
  assert.equal(await service.stop(), 0);
});

test("SIGHUP reads keys, certificate and upstream settings again at once, and each change is logged", async () => {
  const file = (name) => join(folder, name);
  const write = (certificate, accessKey, url) => {
    writeFileSync(cert("live"), readFileSync(cert(certificate)));
    writeFileSync(key("live"), readFileSync(key(certificate)));
    writeFileSync(file("keys"), `${accessKey}\n`);
    writeFileSync(file("settings.json"), JSON.stringify({ UpstreamSettings: { Templates: [{ UrlTemplate: url }] } }));
  };
  write("one", "first-key", "http://127.0.0.1:1/");
  const args = ["--tls-cert", cert("live"), "--tls-key", key("live"), "--access-key-file", file("keys"), "--config", folder];
  const service = await startServe({ args, env: { RUST_LOG: "info" } });
  write("two", "second-key", "http://127.0.0.1:2/");
  process.kill(service.pid, "SIGHUP");
  for (const change of [
    /SIGHUP came: access keys, certificate and upstream settings are read again now/,
    /the access keys changed/,
    /the TLS certificate was read anew/,
    /the upstream settings changed/,
  ]) {
    await service.says(change);
  }
  assert.equal(await shown(portOf(service.service)), fingerprint("two"));
  assert.equal(await service.stop(), 0, "the signal ends nothing");
});

test("files that will not do: 64, and the text names file and remedy", async () => {
  const empty = join(folder, "empty.pem");
  writeFileSync(empty, "");
  for (const [args, text] of [
    [["--tls-cert", cert("one")], /--tls-cert came without --tls-key/],
    [["--tls-key", key("one")], /--tls-key came without --tls-cert/],
    [["--tls-cert", "no/such.pem", "--tls-key", key("one")], /'no\/such\.pem' cannot be read/],
    [["--tls-cert", empty, "--tls-key", key("one")], /empty\.pem' has no certificate in PEM/],
    [["--tls-cert", cert("one"), "--tls-key", cert("one")], /one\.pem' has no private key in PEM/],
    [["--tls-cert", cert("one"), "--tls-key", key("two")], /two\.key' does not belong to the first certificate in '.*one\.pem'/],
  ]) {
    const { code, stdout, stderr } = await runToEnd(["serve", "--port", 0, ...args]);
    assert.equal(code, 64, stderr);
    assert.match(stderr, text);
    assert.equal(stdout, "");
  }
});

test("a plain request to the port is told to use https", async () => {
  const service = await startServe({ args: ["--tls-cert", cert("one"), "--tls-key", key("one")] });
  const answer = await fetch(service.service.replace("https", "http"));
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /use https/);
  assert.equal(await service.stop(), 0);
});
