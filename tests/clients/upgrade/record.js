// Writes the data, settings and tokens of a release, for upgrade.test.js of later releases: `node upgrade/record.js VERSION`.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rest, sign } from "../service.js";
import { startServe } from "../system.js";

const ACCESS_KEY = "a key of the release before, long enough to sign";
const HOST = "signalr.example";
// The files are used for years, so their logins and memberships must end later than that.
const CENTURY_SECONDS = 100 * 365 * 24 * 3600;

const version = process.argv[2];
const folder = fileURLToPath(new URL(`${version}/`, import.meta.url));
const data = mkdtempSync(join(tmpdir(), "signalr-"));
const service = await startServe({ args: ["--data", data], env: { SIGNALR_ACCESS_KEY: ACCESS_KEY } });
const system = { ...service, connectionString: service.connectionString.replace("<your-key>", ACCESS_KEY) };
for (const [user, group] of [["ann", "news"], ["ann", "a/b é"], ["bob", "news"]]) {
  const path = `hubs/chat/users/${user}/groups/${encodeURIComponent(group)}`;
  const { status, text } = await rest(system, "PUT", path, { query: { ttl: CENTURY_SECONDS } });
  if (status !== 200) {
    throw new Error(`${path}: ${status} ${text}`);
  }
}
await service.stop();

mkdirSync(folder, { recursive: true });
cpSync(join(data, "memberships.redb"), join(folder, "memberships.redb"));
rmSync(data, { recursive: true });
const exp = Math.floor(Date.now() / 1000) + CENTURY_SECONDS;
const clientToken = sign(system, { aud: `http://${HOST}/client/?hub=chat`, "asrs.s.uid": "ann", exp });
const templates = [{ UrlTemplate: "http://127.0.0.1:4000/{hub}/{category}/{event}", HubPattern: "chat", CategoryPattern: "*", EventPattern: "*" }];
writeFileSync(join(folder, "settings.json"), `${JSON.stringify({ UpstreamSettings: { Templates: templates } }, null, 2)}\n`);
writeFileSync(join(folder, "service.json"), `${JSON.stringify({ accessKey: ACCESS_KEY, host: HOST, clientToken }, null, 2)}\n`);
