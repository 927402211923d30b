// The settings.json of asrs-emulator. The command finds it without a flag, and can write and show it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connectDirectly } from "./client.js";
import { runToEnd, startServe } from "./system.js";

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "settings-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("serve in a folder with a commented settings.json calls the upstream in it", async () => {
  const upstream = createServer((request, response) => {
    response.end(`{"type":3,"invocationId":"0","result":"${request.headers["x-asrs-event"]}"}\u001e`);
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const url = `http://127.0.0.1:${upstream.address().port}/{event}`;
  await writeFile(
    join(folder, "settings.json"),
    `// where events go
    {"upstreamSettings:templates": [ /* only one */ {"UrlTemplate": "${url}?code=secret", "CategoryPattern": "messages",}, ],}`,
  );
  const system = await startServe({ cwd: folder });
  try {
    const said = system.stdout.join("\n");
    assert.match(said, /^upstream settings {2}\S+settings\.json$/m);
    assert.match(said, /^upstream {11}http:\S+\{event\} \(hub \*, category messages, event \*\)$/m);
    assert.doesNotMatch(said, /secret/);
    const client = await connectDirectly(system);
    assert.equal(await client.connection.invoke("ask"), "ask");
    await client.stop();
  } finally {
    await system.stop();
    upstream.close();
  }
});

test("upstream init writes a file that upstream list shows, and replaces none", async () => {
  const own = await mkdtemp(join(folder, "init-"));
  const written = await runToEnd(["upstream", "init", "--output", own]);
  assert.equal(written.code, 0, written.stderr);
  const listed = await runToEnd(["upstream", "list", "-c", own]);
  assert.equal(listed.stdout, "http://localhost:7071/runtime/webhooks/signalr (hub *, category *, event *)");
  const again = await runToEnd(["upstream", "init", "-o", own]);
  assert.equal(again.code, 64);
  assert.match(again.stderr, /is there already; --force replaces it/);
  assert.equal((await runToEnd(["upstream", "init", "-o", own, "--force"])).code, 0);
});

test("a service for other machines prints a string that works here and says what to change", async () => {
  const system = await startServe({ args: ["--ip", "0.0.0.0", "--access-key", "a-key-of-its-own"] });
  try {
    assert.match(system.connectionString, /^Endpoint=http:\/\/localhost;/);
    assert.match(system.stdout.join("\n"), /^listens on .*put its name for localhost$/m);
  } finally {
    await system.stop();
  }
});
