// The Debian package and its unit of systemd: installed, started, ended, upgraded and purged.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../clients/ports.js";
import { ROOT, run, start } from "../platforms/programs.js";
import { DEBIAN_PACKAGE, assertDelivers } from "./packages.js";

const UNIT = `${ROOT}packaging/systemd/signalr.service`;
/** The score of `systemd-analyze security`, out of ten, must be below this. Less is safer; services without hardening have 9.6. */
const EXPOSURE = 2.5;

test("the unit is hardened", async () => {
  const { code, stdout } = await run("systemd-analyze", ["security", "--offline=true", "--no-pager", UNIT]);
  const [, exposure] = /Overall exposure level for signalr\.service: ([\d.]+)/.exec(stdout);
  assert.ok(Number(exposure) < EXPOSURE, stdout);
  assert.equal(code, 0);
});

test("systemd waits longer for the end than the drain of clients may take", async () => {
  const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(readFileSync(UNIT, "utf8"));
  const { stdout } = await run(`${ROOT}target/x86_64-unknown-linux-gnu/release/signalr`, ["serve", "--help"]);
  const drain = [...stdout.matchAll(/--drain-\w+ <\w+>[^]*?\[default: (\d+)\]/g)].map(([, value]) => Number(value));
  assert.equal(drain.length, 3);
  assert.ok(Number(seconds) > drain.reduce((sum, value) => sum + value), `${seconds} s for ${drain} s`);
});

test("installed by dpkg it serves with a key of its own, and after a reload with a new one; upgrades keep key and settings; a purge leaves nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "signalr-package-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const port = await freePort();
  const script = fileURLToPath(new URL("installed.sh", import.meta.url));
  const installed = start("unshare", [...asRoot(), "--mount", script, DEBIAN_PACKAGE, folder, port]);
  t.after(() => installed.stop("SIGKILL"));
  const key = await installed.said(/^key (.+)$/);
  await installed.said(/^ready$/);
  assert.equal(Buffer.from(key, "base64").length, 32);
  await assertDelivers(`http://127.0.0.1:${port}`, key);
  process.kill(installed.pid, "SIGHUP");
  const next = await installed.said(/^new key (.+)$/);
  await installed.said(/the access keys changed/);
  await assertDelivers(`http://127.0.0.1:${port}`, next);
  process.kill(installed.pid, "SIGTERM");
  assert.equal(await installed.ended, 0, installed.lines.join("\n"));
  const said = installed.lines;
  assert.ok(said.includes("keys -rw-r----- root:signalr"), said.join("\n"));
  for (const fact of ["upgrade keeps the key", "upgrade keeps the settings", "unit verified", "unit enabled", "ended 0", "the data are in the folder of the unit", "removal keeps the key", "purge leaves nothing"]) {
    assert.ok(said.includes(fact), `${fact}:\n${said.join("\n")}`);
  }
});

/** The options that make a user who is not root the root of a separate namespace. */
function asRoot() {
  return process.getuid() === 0 ? [] : ["--map-root-user"];
}
