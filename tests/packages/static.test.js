// The static binary works and needs no library of the system.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ROOT, run, start } from "../platforms/programs.js";
import { STATIC_BINARY, assertDelivers } from "./packages.js";

const KEY = "a key of your own, long enough to sign";

test("it is static, and says the workspace's version", async () => {
  const { stdout, stderr } = await run("ldd", [STATIC_BINARY]);
  assert.match(stdout + stderr, /statically linked|not a dynamic executable/);
  const [, version] = /^version = "(.+)"$/m.exec(readFileSync(`${ROOT}Cargo.toml`, "utf8"));
  assert.equal((await run(STATIC_BINARY, ["--version"])).stdout.trim(), `signalr ${version}`);
});

test("it serves a stock client", async (t) => {
  const service = start(STATIC_BINARY, ["serve", "--port", 0], { env: { SIGNALR_ACCESS_KEY: KEY } });
  t.after(() => service.stop("SIGKILL"));
  const base = await service.said(/^service\s+(http\S+)$/);
  await assertDelivers(base, KEY);
  assert.equal(await service.stop(), 0);
});
