// negotiate with the tokens of an OpenID Connect server, and with every kind of token that must be refused.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from "jose";
import { OAuth2Server } from "oauth2-mock-server";
import { claimsOf, connect, newMessage } from "./client.js";
import { HUB, startApp, startService } from "./programs.js";

const AUDIENCE = "chat-app";
const KEY = "the-key";

const issuer = new OAuth2Server();
let service;
let app;
let list;
before(async () => {
  await issuer.issuer.keys.generate("RS256", { kid: "first" });
  await issuer.start(0, "127.0.0.1");
  service = await startService();
  const env = {
    NEGOTIATE_IDENTITY: "jwt",
    OIDC_ISSUER: issuer.issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    NEGOTIATE_CLAIMS: "email,groups",
    NEGOTIATE_ROLES: "reader",
    NEGOTIATE_TOKEN_LIFETIME: "120",
    ALLOWED_ORIGINS: "https://app.example",
    FUNCTION_KEY: KEY,
  };
  app = await startApp(service, env);
  list = await startApp(service, { ...env, NEGOTIATE_IDENTITY: "jwt,anonymous" });
});
after(async () => {
  await Promise.all([app?.stop(), list?.stop(), service?.stop()]);
  await issuer.stop();
});

/** A token of the issuer. `change` may alter its header and payload. */
function token(change = () => {}) {
  return issuer.issuer.buildToken({
    scopesOrTransform: (header, payload) => {
      Object.assign(payload, { sub: "ann", aud: AUDIENCE });
      change(payload, header);
    },
  });
}

/** A token with the claims of a good token, signed with a key that the issuer does not have. */
function signed(key, header, claims = {}) {
  const now = Math.floor(Date.now() / 1000);
  const payload = { iss: issuer.issuer.url, aud: AUDIENCE, sub: "ann", iat: now, exp: now + 300, ...claims };
  return new SignJWT(payload).setProtectedHeader({ kid: "first", ...header }).sign(key);
}

async function negotiate(bearer, { at = app, path = "/api/negotiate", headers = {} } = {}) {
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const response = await fetch(`${at.url}${path}`, { method: "POST", headers: { ...authorization, ...headers } });
  return { status: response.status, challenge: response.headers.get("www-authenticate"), body: await response.json() };
}

async function refused(bearer, reason) {
  for (const at of [app, list]) {
    const { status, challenge, body } = await negotiate(bearer, { at });
    assert.deepEqual([status, challenge], [401, "Bearer"], JSON.stringify(body));
    assert.match(body.detail, reason);
  }
}

test("the token's user connects, with the listed claims, the roles and the lifetime", async () => {
  const good = await token((payload) => Object.assign(payload, { email: "ann@example.com", groups: ["a", "b"], secret: "x" }));
  const claims = claimsOf((await negotiate(good)).body.accessToken);
  assert.equal(claims["asrs.s.uid"], "ann");
  assert.deepEqual([claims.email, claims.groups, claims.role, claims.secret], ["ann@example.com", ["a", "b"], "reader", undefined]);
  assert.equal(claims.exp - claims.nbf, 120);

  const client = await connect(`${app.url}/api/${HUB}`, { accessTokenFactory: () => good });
  const message = { ...newMessage("for ann"), userId: "ann" };
  const sent = await fetch(`${app.url}/api/broadcast`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-functions-key": KEY },
    body: JSON.stringify(message),
  });
  assert.equal(sent.status, 202);
  assert.deepEqual(await client.until("for ann"), ["for ann"]);
  await client.stop();
});

test("without a token: 401 where one is needed, nobody where that will do", async () => {
  const { status, challenge } = await negotiate(undefined);
  assert.deepEqual([status, challenge], [401, "Bearer"]);
  const anonymous = await negotiate(undefined, { at: list });
  assert.equal(anonymous.status, 200);
  assert.equal(claimsOf(anonymous.body.accessToken)["asrs.s.uid"], undefined);
});

test("a caller who names another user stays who the token says", async () => {
  const headers = { "x-user": "bob", "x-ms-client-principal-id": "bob", "x-ms-signalr-userid": "bob" };
  const path = "/api/negotiate?user=bob&sub=bob&userId=bob&asrs.s.uid=bob";
  const named = await negotiate(await token(), { path, headers });
  assert.equal(claimsOf(named.body.accessToken)["asrs.s.uid"], "ann");
  assert.equal((await negotiate(undefined, { path, headers })).status, 401);
  const anonymous = await negotiate(undefined, { at: list, path, headers });
  assert.equal(claimsOf(anonymous.body.accessToken)["asrs.s.uid"], undefined);
});

test("claims that the service gives a meaning are not taken over from a token", async () => {
  const forged = await token((payload) => Object.assign(payload, { "asrs.s.uid": "bob", nameid: "bob" }));
  const claims = claimsOf((await negotiate(forged)).body.accessToken);
  assert.deepEqual([claims["asrs.s.uid"], claims.nameid], ["ann", undefined]);
});

test("an unsigned token", async () => {
  const [, payload] = (await token()).split(".");
  for (const alg of ["none", "None", "NONE", ""]) {
    const header = Buffer.from(JSON.stringify({ alg, typ: "JWT", kid: "first" })).toString("base64url");
    await refused(`${header}.${payload}.`, /not a JWT signed/);
  }
  const rs256 = Buffer.from('{"alg":"RS256","kid":"first"}').toString("base64url");
  await refused(`${rs256}.${payload}.`, /signature/);
});

test("the public key as the secret of an HMAC", async () => {
  const jwk = issuer.issuer.keys.toJSON().find(({ kid }) => kid === "first");
  const pem = await exportSPKI(await importJWK({ kty: jwk.kty, n: jwk.n, e: jwk.e }, "RS256", { extractable: true }));
  for (const secret of [pem, pem.trim(), jwk.n]) {
    for (const alg of ["HS256", "HS384", "HS512"]) {
      await refused(await signed(new TextEncoder().encode(secret), { alg }), /proves nothing here/);
    }
  }
});

test("another's key under the issuer's key id, and a key of the token's own", async () => {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  await refused(await signed(privateKey, { alg: "RS256" }), /signature is not the issuer's/);
  await refused(await signed(privateKey, { alg: "RS256", jwk: await exportJWK(publicKey) }), /signature is not the issuer's/);
  const other = await generateKeyPair("PS256");
  await refused(await signed(other.privateKey, { alg: "PS256" }), /does not sign with PS256/);
});

test("a key that is not the issuer's", async () => {
  const { privateKey } = await generateKeyPair("ES256");
  await refused(await signed(privateKey, { alg: "ES256", kid: "unknown" }), /not one of the issuer's/);
});

test("a wrong issuer, a wrong audience, and none", async () => {
  await refused(await token((payload) => (payload.iss = "https://evil.example")), /issuer must be/);
  await refused(await token((payload) => (payload.iss = `${payload.iss}/`)), /issuer must be/);
  await refused(await token((payload) => delete payload.iss), /issuer must be/);
  await refused(await token((payload) => (payload.aud = "other")), /audience must be/);
  await refused(await token((payload) => delete payload.aud), /audience must be/);
});

test("a token that has expired, lasts for ever, or is from the future", async () => {
  const now = Math.floor(Date.now() / 1000);
  await refused(await token((payload) => (payload.exp = now - 60)), /has expired/);
  await refused(await token((payload) => delete payload.exp), /no 'exp'/);
  await refused(await token((payload) => (payload.nbf = now + 600)), /from the future/);
  await refused(await token((payload) => (payload.iat = now + 600)), /from the future/);
});

test("a token without a user, an oversized one, and a user that is too long", async () => {
  await refused(await token((payload) => delete payload.sub), /no user id in 'sub'/);
  await refused(await token((payload) => (payload.padding = "x".repeat(9000))), /at most 8192/);
  const long = await negotiate(await token((payload) => (payload.sub = "u".repeat(1025))));
  assert.equal(long.status, 400);
});

test("the service's own tokens are no identity: with them a caller is one without a token", async () => {
  const { body } = await negotiate(undefined, { at: list });
  const alone = await negotiate(body.accessToken);
  assert.deepEqual([alone.status, alone.challenge], [401, "Bearer"]);
  assert.match(alone.body.detail, /needs a user/);
  const anonymous = await negotiate(body.accessToken, { at: list });
  assert.equal(anonymous.status, 200);
  assert.equal(claimsOf(anonymous.body.accessToken)["asrs.s.uid"], undefined);
});

test("two bearers, and a broken one", async () => {
  const good = await token();
  await refused(`${good}, Bearer ${good}`, /not a JWT/);
  await refused(good.slice(0, -10), /signature/);
});

test("an issuer that is down is 503, and one that redirects is not followed", async (t) => {
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    response.writeHead(302, { location: `${issuer.issuer.url}${request.url}` }).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  for (const url of [`http://127.0.0.1:${server.address().port}`, "http://127.0.0.1:9"]) {
    const lost = await startApp(service, { NEGOTIATE_IDENTITY: "jwt", OIDC_ISSUER: url, OIDC_AUDIENCE: AUDIENCE });
    t.after(() => lost.stop());
    const { status, body } = await negotiate(await token(), { at: lost });
    assert.equal(status, 503, JSON.stringify(body));
  }
  assert.equal(hits, 1);
});
