// The token and the signature of local.http. They are valid only for `signalr dev`, whose access key is public.
// `node tests/docs/local-http.js` writes them into the file.
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./blocks.js";

const FILE = join(ROOT, "local.http");
const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
/** The year 2100. */
const EXPIRES = 4_102_444_800;

export function text() {
  return readFileSync(FILE, "utf8");
}

/** Each request of the file: `{ method, path }`, without the query. */
export function requests() {
  return [...text().matchAll(/^([A-Z]+) \{\{(functions|service)\}\}(\/[^\s?]*)/gm)].map(([, method, at, path]) => ({
    method,
    at,
    path: path.replaceAll("{{hub}}", "chat").replaceAll("{{connection}}", "a-connection-id"),
  }));
}

/** The text with a token for the URL of each REST call, for any port, and with the service's signature. */
export function signed() {
  const calls = requests().filter(({ at, path }) => at === "service" && path.startsWith("/api/"));
  const audiences = [...new Set(calls.map(({ path }) => `http://localhost${path}`))].sort();
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = `${part({ alg: "HS256", typ: "JWT" })}.${part({ aud: audiences, exp: EXPIRES })}`;
  const token = `${claims}.${createHmac("sha256", KEY).update(claims).digest("base64url")}`;
  const signature = `sha256=${createHmac("sha256", KEY).update("a-connection-id").digest("hex")}`;
  return text().replace(/^@token = .*$/m, `@token = ${token}`).replace(/^@signature = .*$/m, `@signature = ${signature}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FILE, signed());
}
