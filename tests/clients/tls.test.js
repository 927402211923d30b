// `signalr serve` with TLS of its own: stock clients, bad files, and a certificate that changes.
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

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL("./tls-client.js", import.meta.url));

let folder;
const cert = (name) => join(folder, `${name}.pem`);
const key = (name) => join(folder, `${name}.key`);
const fingerprint = (name) => new X509Certificate(readFileSync(cert(name))).fingerprint256;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalr-"));
  await Promise.all(["one", "two"].map(makeCertificate));
});
after(() => rmSync(folder, { recursive: true }));

/** A certificate for localhost, signed by itself. */
async function makeCertificate(name) {
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  await run("openssl", ["req", "-x509", ...kind, ...names, "-keyout", key(name), "-out", cert(name)]);
}

/** The fingerprint of the certificate that a port shows. */
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
  await service.says(/certificate stays as it was.*is not that of the first certificate/);
  assert.equal(await shown(port), fingerprint("one"));
  use("two");
  while ((await shown(port)) !== fingerprint("two"));
  assert.equal(await service.stop(), 0);
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
    [["--tls-cert", cert("one"), "--tls-key", key("two")], /two\.key' is not that of the first certificate in '.*one\.pem'/],
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
