// The data on disk, which survives a restart: the groups of users.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connectDirectly } from "./client.js";
import { rest } from "./service.js";
import { runToEnd, startServe } from "./system.js";

test("users are in their groups after a crash, and a file that cannot be used is left as it is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "data-"));
  t.after(() => rm(folder, { recursive: true }));
  const args = ["--data", folder];
  const first = await startServe({ args });
  t.after(() => first.stop("SIGKILL"));
  for (const group of ["a", "b"]) {
    assert.equal((await rest(first, "PUT", `hubs/chat/users/ann/groups/${group}`)).status, 200);
  }
  assert.equal((await rest(first, "DELETE", "hubs/chat/users/ann/groups/b")).status, 204);
  await first.stop("SIGKILL");

  const second = await startServe({ args });
  t.after(() => second.stop("SIGKILL"));
  const ann = await connectDirectly(second, { user: "ann" });
  for (const group of ["b", "a"]) {
    const body = { target: "newMessage", arguments: [group] };
    assert.equal((await rest(second, "POST", `hubs/chat/groups/${group}/:send`, { body })).status, 202);
  }
  assert.deepEqual(await ann.received(1), [["a"]]);
  const locked = await runToEnd(["serve", "--port", 0, ...args]);
  assert.equal(locked.code, 1, locked.stderr);
  await ann.stop();
  assert.equal(await second.stop(), 0);

  const file = join(folder, "memberships.redb");
  const bytes = (await readFile(file)).subarray(0, 1000);
  await writeFile(file, bytes);
  const damaged = await runToEnd(["serve", "--port", 0, ...args]);
  assert.equal(damaged.code, 1, damaged.stderr);
  assert.match(damaged.stderr, /memberships\.redb cannot be used/);
  assert.deepEqual(await readFile(file), bytes);
  const both = await runToEnd(["serve", "--port", 0, "--broker", "redis://localhost", ...args]);
  assert.equal(both.code, 64, both.stderr);
});
