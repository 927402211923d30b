// Calls of the service itself, as the SDK makes them, with tokens that the tests sign.
import { createHmac } from "node:crypto";

const API_VERSION = "2024-12-01";

/** A token with the claims, signed with the key of the connection string or with another. */
export function sign(system, claims, key = accessKey(system)) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: now, nbf: now, exp: now + 3600, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** Calls an operation of the service: path and query after `/api/`, and a body that becomes JSON. */
export async function rest(system, method, path, { token, query = {}, body } = {}) {
  const url = new URL(`/api/${path}`, callersUrl(system));
  const bearer = token ?? sign(system, { aud: url.href });
  for (const [name, value] of Object.entries({ ...query, "api-version": API_VERSION })) {
    url.searchParams.append(name, value);
  }
  const headers = { authorization: `Bearer ${bearer}`, ...(body !== undefined && { "content-type": "application/json" }) };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}

/** The address of the service for REST calls. If clients are spread over other nodes, it is one node. */
export function callersUrl(system) {
  return system.callers ?? system.service;
}

/** Negotiates with the service as a client that has the token. */
export async function negotiate(system, token, hub = "chat") {
  const url = new URL(`/client/negotiate?hub=${hub}&negotiateVersion=1`, system.service);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: "POST", headers });
  return { status: response.status, text: await response.text() };
}

/** The URL to which the negotiate function redirects clients of the hub. */
export function clientUrl(system, hub = "chat") {
  return `${system.service.replace(/\/$/, "")}/client/?hub=${hub}`;
}

function accessKey(system) {
  return /AccessKey=([^;]+);/.exec(system.connectionString)[1];
}
