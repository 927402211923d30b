// How long a login lasts, and which parts of the client's query reach the service and upstreams.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { OAuth2Server } from "oauth2-mock-server";
import { claimsOf, connect } from "./client.js";
import { HUB, startApp, startService } from "./programs.js";

const issuer = new OAuth2Server();
const upstream = createServer();
let service;
before(async () => {
  await issuer.issuer.keys.generate("RS256");
  await issuer.start(0, "127.0.0.1");
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const folder = await mkdtemp(join(tmpdir(), "signalr-"));
  const config = join(folder, "settings.json");
  const UrlTemplate = `http://127.0.0.1:${upstream.address().port}/`;
  await writeFile(config, JSON.stringify({ UpstreamSettings: { Templates: [{ UrlTemplate }] } }));
  service = await startService({ args: ["--config", config] });
  await rm(folder, { recursive: true });
});
after(async () => {
  await Promise.all([service?.stop(), issuer.stop()]);
  upstream.close();
});

const now = () => Math.floor(Date.now() / 1000);

function token(seconds) {
  return issuer.issuer.buildToken({
    scopesOrTransform: (header, payload) => Object.assign(payload, { sub: "ann", aud: "chat-app", exp: now() + seconds }),
  });
}

async function startJwtApp(t, env = {}) {
  const app = await startApp(service, { NEGOTIATE_IDENTITY: "jwt", OIDC_ISSUER: issuer.issuer.url, OIDC_AUDIENCE: "chat-app", ...env });
  t.after(() => app.stop());
  return app;
}

async function negotiate(app, bearer, query = "") {
  const headers = { authorization: `Bearer ${bearer}` };
  const response = await fetch(`${app.url}/api/${HUB}/negotiate${query}`, { method: "POST", headers });
  return { status: response.status, body: await response.json() };
}

/** Answers the service's events until one with this name comes. Returns its headers. */
async function event(name) {
  for (;;) {
    const [request, response] = await once(upstream, "request");
    response.end();
    if (request.headers["x-asrs-event"] === name) {
      return request.headers;
    }
  }
}

test("the client's token ends with the login, or after its own time if that is sooner", async (t) => {
  const [app, short] = [await startJwtApp(t), await startJwtApp(t, { NEGOTIATE_TOKEN_LIFETIME: "60" })];
  const login = await token(300);
  const ends = claimsOf(login).exp;
  const claims = claimsOf((await negotiate(app, login)).body.accessToken);
  assert.ok(claims.exp <= ends && claims.exp >= ends - 2, `${claims.exp} ${ends}`);
  assert.deepEqual([claims["asrs.s.coae"], claims["asrs.s.aeo"]], [undefined, undefined]);
  const shorter = claimsOf((await negotiate(short, login)).body.accessToken);
  assert.equal(shorter.exp - shorter.nbf, 60);
  // The token has expired, but is accepted within the leeway for clocks that differ. No time is left for the client's token.
  assert.equal((await negotiate(app, await token(-10))).status, 401);
});

test("the connection ends with the login if that is wanted", async (t) => {
  const app = await startJwtApp(t, { NEGOTIATE_CLOSE_WITH_LOGIN: "true" });
  const login = await token(4);
  const claims = claimsOf((await negotiate(app, login)).body.accessToken);
  assert.deepEqual([claims["asrs.s.coae"], claims["asrs.s.aeo"]], ["true", String(claimsOf(login).exp)]);
  const connected = event("connected");
  const client = await connect(`${app.url}/api/${HUB}`, { accessTokenFactory: () => login });
  const closed = new Promise((resolve) => client.connection.onclose(resolve));
  await connected;
  const gone = event("disconnected");
  await closed;
  assert.ok(now() >= claimsOf(login).exp - 1);
  await gone;
});

test("the client's query reaches upstream, without what has a meaning or is a secret", async (t) => {
  const app = await startApp(service, { NEGOTIATE_IDENTITY: "query:user", ALLOW_INSECURE_IDENTITY: "true" });
  t.after(() => app.stop());
  const connected = event("connected");
  const client = await connect(`${app.url}/api/${HUB}?user=ann&room=a%20b&code=s3cret&tab=2`);
  const headers = await connected;
  assert.equal(headers["x-asrs-user-id"], "ann");
  const query = new URLSearchParams(headers["x-asrs-client-query"]);
  assert.deepEqual([query.get("room"), query.get("tab")], ["a b", "2"]);
  assert.deepEqual([query.get("user"), query.get("code")], [null, null]);
  const gone = event("disconnected");
  await client.stop();
  await gone;
  const long = await fetch(`${app.url}/api/${HUB}/negotiate?user=ann&x=${"y".repeat(2048)}`, { method: "POST" });
  assert.equal(long.status, 400);
  const longest = await fetch(`${app.url}/api/${HUB}/negotiate?user=ann&x=${"y".repeat(100 * 1024)}`, { method: "POST" });
  // The server itself does not accept such a URL.
  assert.equal(longest.status, 414);
});
