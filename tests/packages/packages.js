// The packages that `make packages` builds, and how the tests start them.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { ROOT } from "../platforms/programs.js";

export const STATIC_BINARY = `${ROOT}target/x86_64-unknown-linux-gnu/release/signalr`;
export const DEBIAN_PACKAGE = `${ROOT}target/packages/signalr.deb`;

/** Signs a token with the key. */
function sign(key, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp: now + 600, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** Checks that the service at `base` works and accepts the key: a stock client gets the broadcast of a back end. */
export async function assertDelivers(base, key) {
  const url = `${base}/client/?hub=chat`;
  const connection = new HubConnectionBuilder()
    .withUrl(url, { accessTokenFactory: () => sign(key, { aud: url }) })
    .configureLogging(LogLevel.None)
    .build();
  const arrived = new Promise((resolve) => connection.on("newMessage", resolve));
  await connection.start();
  const api = `${base}/api/hubs/chat/:send`;
  const response = await fetch(`${api}?api-version=2024-12-01`, {
    method: "POST",
    headers: { authorization: `Bearer ${sign(key, { aud: api })}`, "content-type": "application/json" },
    body: JSON.stringify({ target: "newMessage", arguments: ["hi"] }),
  });
  assert.equal(response.status, 202);
  assert.equal(await arrived, "hi");
  await connection.stop();
}
