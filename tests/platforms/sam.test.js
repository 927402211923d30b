// The SAM template: its content. It must build three executables that Lambda's system can load.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, run } from "./programs.js";

/** The version of the C library in provided.al2023. */
const GLIBC = [2, 34];

/** Settings for a build that takes a minute. The test checks what is built and how, not its speed. */
const QUICKLY = {
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
};

const folder = mkdtempSync(join(tmpdir(), "signalr-sam-"));
let built;
before(async () => {
  built = await run("sam", ["build", "--build-dir", join(folder, "build"), "--base-dir", ROOT], { env: QUICKLY });
});
after(() => rmSync(folder, { recursive: true }));

test("the template is valid", async () => {
  const lint = await run("cfn-lint", ["template.yaml"]);
  assert.equal(lint.code, 0, lint.stdout);
  const valid = await run("sam", ["validate", "--lint", "--region", "us-east-1"]);
  assert.equal(valid.code, 0, valid.stdout + valid.stderr);
});

test("the functions know every variable that the template sets", () => {
  const read = (path) => readFileSync(join(ROOT, path), "utf8");
  const known = [...read("functions/runtime/src/config/variable.rs").matchAll(/^ +[A-Z_]+ = "(\w+)",$/gm)].map(([, name]) => name);
  const blocks = [...read("template.yaml").matchAll(/^( *)Variables:\n((?:\1 .*\n)+)/gm)].map(([, , block]) => block);
  const set = blocks.flatMap((block) => [...block.matchAll(/^ *(\w+): /gm)].map(([, name]) => name));
  // The variables of all functions, of negotiate, of broadcast and of group-admin.
  assert.equal(blocks.length, 4);
  assert.ok(set.includes("AzureSignalRConnectionString") && set.includes("BROADCAST_TIMER_MESSAGE"), set.join());
  assert.deepEqual(set.filter((name) => !known.includes(name)), []);
});

test("sam build makes three bootstraps", () => {
  assert.equal(built.code, 0, built.stderr);
  for (const name of ["Negotiate", "Broadcast", "GroupAdmin"]) {
    assert.ok(statSync(bootstrap(name)).mode & 0o100, name);
  }
});

test("they ask for no newer glibc than Lambda has", async () => {
  for (const name of ["Negotiate", "Broadcast", "GroupAdmin"]) {
    const { stdout } = await run("objdump", ["-T", bootstrap(name)]);
    const versions = [...stdout.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
    assert.ok(versions.length > 0, name);
    for (const [major, minor] of versions) {
      assert.ok(major < GLIBC[0] || (major === GLIBC[0] && minor <= GLIBC[1]), `${name} asks for glibc ${major}.${minor}`);
    }
  }
});

test("negotiate has no HTTP client in it", async () => {
  const found = async (name) => (await run("grep", ["-c", "-a", "rustls", bootstrap(name)])).stdout.trim();
  assert.notEqual(await found("Broadcast"), "0");
  assert.equal(await found("Negotiate"), "0");
});

function bootstrap(name) {
  return join(folder, "build", name, "bootstrap");
}
