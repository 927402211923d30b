// This release can use the data, settings and tokens of earlier releases. upgrade/record.js wrote them.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectDirectly } from "./client.js";
import { rest } from "./service.js";
import { startServe } from "./system.js";

const LEFT = fileURLToPath(new URL("upgrade/", import.meta.url));
const releases = readdirSync(LEFT, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

test("there is something of an earlier release", () => assert.notEqual(releases.length, 0));

for (const release of releases) {
  test(`data, settings and tokens of ${release}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "signalr-"));
    t.after(() => rmSync(folder, { recursive: true }));
    cpSync(join(LEFT, release), folder, { recursive: true });
    const { accessKey, host, clientToken } = JSON.parse(readFileSync(join(folder, "service.json"), "utf8"));
    const upstream = await startUpstream(t);
    const settings = readFileSync(join(folder, "settings.json"), "utf8");
    writeFileSync(join(folder, "settings.json"), settings.replace("127.0.0.1:4000", upstream.host));
    const started = await startServe({ args: ["--data", folder, "--host", host], env: { SIGNALR_ACCESS_KEY: accessKey }, cwd: folder });
    t.after(() => started.stop("SIGKILL"));
    const service = { ...started, connectionString: started.connectionString.replace("<your-key>", accessKey) };

    for (const [user, group, status] of [["ann", "news", 200], ["ann", "a/b é", 200], ["bob", "news", 200], ["bob", "a/b é", 404]]) {
      const path = `hubs/chat/users/${user}/groups/${encodeURIComponent(group)}`;
      assert.equal((await rest(service, "HEAD", path)).status, status, `${user} in ${group}`);
    }
    const ann = await connectDirectly(service, { http: { accessTokenFactory: () => clientToken } });
    t.after(() => ann.connection.stop());
    const body = { target: "newMessage", arguments: ["to the group"] };
    assert.equal((await rest(service, "POST", "hubs/chat/groups/news/:send", { body })).status, 202);
    assert.deepEqual(await ann.received(1), [["to the group"]]);
    assert.equal(await ann.connection.invoke("shout"), "/chat/messages/shout");
  });
}

/** An upstream that answers with the called path. */
async function startUpstream(t) {
  const server = createServer((request, response) => response.end(JSON.stringify(request.url)));
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { host: `127.0.0.1:${server.address().port}` };
}
