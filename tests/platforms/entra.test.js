// Functions with a Microsoft Entra identity and without a key, end to end. An OpenID Connect server issues
// the tokens, Azure's own credentials request them over TLS, and the service checks them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { decodeProtectedHeader, importX509, jwtVerify } from "jose";
import { OAuth2Server } from "oauth2-mock-server";
import { generate } from "selfsigned";
import { claimsOf, connect, newMessage } from "./client.js";
import { freePort } from "../clients/ports.js";
import { HUB, ROOT, run, startApp, startService } from "./programs.js";

const TENANT = "contoso";
const CLIENT = "the-functions";
const SECRET = "the-application-secret";
const AUDIENCE = "https://signalr.azure.com";
const ROLE = "SignalR App Server";

const folder = mkdtempSync(join(tmpdir(), "signalr-entra-"));
const file = (name) => join(folder, name);

/** The directory's data about the identity, and the requests that it got. */
const directory = { roles: [ROLE], audience: AUDIENCE, requests: [] };
let application;
let authority;
let service;
before(async () => {
  const server = await certificate([{ type: 2, value: "localhost" }]);
  application = await certificate();
  writeFileSync(file("server-key.pem"), server.private);
  writeFileSync(file("server.pem"), server.cert);
  writeFileSync(file("application.pem"), `${application.cert}\n${application.private}`);

  const endpoints = { token: `/${TENANT}/oauth2/v2.0/token` };
  authority = new OAuth2Server(file("server-key.pem"), file("server.pem"), { endpoints });
  authority.service.on("beforeTokenSigning", ({ payload }) => identify(payload));
  authority.service.on("beforeResponse", (response, { body }) => {
    directory.requests.push(body);
    if (body.client_secret !== undefined && body.client_secret !== SECRET) {
      Object.assign(response, { statusCode: 401, body: { error: "invalid_client", error_description: "wrong secret" } });
    }
  });
  await authority.issuer.keys.generate("RS256");
  await authority.start(0, "localhost");
  service = await startWithIssuer();
});
after(async () => {
  await service?.stop();
  await authority.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => Object.assign(directory, { roles: [ROLE], audience: AUDIENCE, requests: [] }));

function startWithIssuer(port) {
  return startService({ port, args: ["--entra-issuer", authority.issuer.url], env: { SSL_CERT_FILE: file("server.pem") } });
}

function certificate(altNames = []) {
  const names = altNames.length === 0 ? [] : [{ name: "subjectAltName", altNames }];
  const extensions = [{ name: "basicConstraints", cA: false }, ...names];
  return generate([{ name: "commonName", value: "test" }], { algorithm: "sha256", extensions });
}

function identify(payload) {
  Object.assign(payload, { sub: CLIENT, aud: directory.audience, roles: directory.roles });
}

/** The functions. They have the address of the directory, and no key of the service. */
function start(t, settings) {
  const env = { AZURE_AUTHORITY_HOST: authority.issuer.url, SSL_CERT_FILE: file("server.pem"), ...settings };
  return startApp({ connectionString: "" }, env).then((app) => {
    t.after(() => app.stop());
    return app;
  });
}

/** The settings of Azure Functions for an application with a secret. */
function withSecret(secret = SECRET) {
  const prefix = "AzureSignalRConnectionString";
  return {
    [`${prefix}__serviceUri`]: service.url,
    [`${prefix}__clientId`]: CLIENT,
    [`${prefix}__tenantId`]: TENANT,
    [`${prefix}__clientSecret`]: secret,
  };
}

function post(app, name, body) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return fetch(`${app.url}/api/${name}`, options);
}

/** Checks both flows: a stock client connects, and gets a broadcast. */
async function works(app, text) {
  const client = await connect(`${app.url}/api/${HUB}`);
  const sent = await post(app, "broadcast", newMessage(text));
  assert.equal(sent.status, 202, await sent.text());
  assert.deepEqual(await client.until(text), [text]);
  const { connectionId } = client.connection;
  const admin = await post(app, "group-admin", { action: "check", connectionId });
  assert.deepEqual(await admin.json(), { results: [{ status: 200, exists: true }] });
  await client.stop();
}

test("an application with a secret: one token for all calls, and client tokens by the service's key", async (t) => {
  const app = await start(t, withSecret());
  await works(app, "by secret");
  await works(app, "by secret again");
  const [{ client_id, client_secret, grant_type, scope }, ...more] = directory.requests;
  assert.deepEqual([client_id, client_secret, grant_type], [CLIENT, SECRET, "client_credentials"]);
  assert.equal(scope, `${AUDIENCE}/.default`);
  assert.deepEqual(more, []);

  const { url, accessToken } = await (await post(app, "negotiate", {})).json();
  const { alg, kid } = decodeProtectedHeader(accessToken);
  assert.equal(alg, "HS256");
  assert.ok(kid);
  assert.equal(claimsOf(accessToken).aud, url);
});

test("an application with a certificate signs for itself", async (t) => {
  const connectionString = `Endpoint=${service.url};AuthType=azure.app;ClientId=${CLIENT};TenantId=${TENANT};ClientCertPath=${file("application.pem")}`;
  await works(await start(t, { AzureSignalRConnectionString: connectionString }), "by certificate");
  const [{ client_assertion: statement, client_secret }] = directory.requests;
  assert.equal(client_secret, undefined);
  const key = await importX509(application.cert, "PS256");
  const audience = `${authority.issuer.url}/${TENANT}/oauth2/v2.0/token`;
  const { payload } = await jwtVerify(statement, key, { issuer: CLIENT, subject: CLIENT, audience });
  assert.ok(payload.jti);
});

test("the identity of the platform", async (t) => {
  const platform = createServer(async ({ url, headers }, response) => {
    const asked = new URL(url, "http://platform").searchParams;
    directory.requests.push({ resource: asked.get("resource"), client: asked.get("client_id"), proof: headers["x-identity-header"] });
    const token = await authority.issuer.buildToken({ scopesOrTransform: (_, payload) => identify(payload) });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: token, expires_on: String(Math.floor(Date.now() / 1000) + 3600), resource: AUDIENCE, token_type: "Bearer" }));
  }).listen(0, "127.0.0.1");
  await once(platform, "listening");
  t.after(() => platform.close());
  const surroundings = { IDENTITY_ENDPOINT: `http://127.0.0.1:${platform.address().port}/token`, IDENTITY_HEADER: "proof" };
  const named = { AzureSignalRConnectionString__serviceUri: service.url };
  for (const [settings, client] of [
    [{}, null],
    [{ AzureSignalRConnectionString__credential: "managedidentity" }, null],
    [{ AzureSignalRConnectionString__clientId: "assigned" }, "assigned"],
  ]) {
    directory.requests = [];
    await works(await start(t, { ...named, ...surroundings, ...settings }), `by platform ${JSON.stringify(settings)}`);
    assert.deepEqual(directory.requests, [{ resource: AUDIENCE, client, proof: "proof" }]);
  }
});

test("a service that starts anew takes what its key signed before", async (t) => {
  const port = await freePort();
  const first = await startWithIssuer(port);
  const app = await start(t, { ...withSecret(), AzureSignalRConnectionString__serviceUri: first.url });
  const { accessToken } = await (await post(app, "negotiate", {})).json();
  await first.stop();
  const second = await startWithIssuer(port);
  t.after(() => second.stop());
  await works(app, "after the restart");
  const again = await (await post(app, "negotiate", {})).json();
  assert.equal(decodeProtectedHeader(again.accessToken).kid, decodeProtectedHeader(accessToken).kid);
});

test("an identity without the role, and a token for somebody else, get nothing done", async (t) => {
  for (const [change, reason] of [
    [{ roles: [] }, /SignalR App Server/],
    [{ roles: ["Reader"] }, /SignalR App Server/],
    [{ audience: "https://management.azure.com" }, /audience must be/],
  ]) {
    Object.assign(directory, { roles: [ROLE], audience: AUDIENCE }, change);
    const app = await start(t, withSecret());
    for (const [name, body] of [["negotiate", {}], ["broadcast", newMessage("never")], ["group-admin", { action: "list", groupName: "g" }]]) {
      const answer = await post(app, name, body);
      assert.equal(answer.status, 502, name);
      assert.match((await answer.json()).detail, reason);
    }
  }
});

test("what is wrong with an identity is told to the operator, and no secret", async (t) => {
  const json = { SIGNALR_LOG_FORMAT: "json" };
  const wrong = await start(t, { ...withSecret("a-wrong-secret"), ...json });
  const strange = await start(t, { ...withSecret(), ...json, SSL_CERT_FILE: "" });
  for (const [app, reason] of [[wrong, /wrong secret/], [strange, /invalid peer certificate: UnknownIssuer/]]) {
    const answer = await post(app, "negotiate", {});
    assert.equal(answer.status, 500);
    const { detail } = await answer.json();
    assert.match(detail, /its log says why/);
    const told = await app.said(/"event":"POST \/api\/negotiate".*/);
    assert.match(told, /no Microsoft Entra token for the service/);
    assert.match(told, reason);
    assert.ok(!told.includes(SECRET) && !told.includes("a-wrong-secret"), told);
  }
});

test("settings that cannot be are refused before anything is bound", async () => {
  for (const [settings, reason] of [
    [{ ...withSecret(), AzureSignalRConnectionString__tenantId: "" }, /__tenantId is not set/],
    [{ ...withSecret(), AzureSignalRConnectionString__serviceUri: "x" }, /__serviceUri 'x' cannot be used/],
    [{ AzureSignalRConnectionString: `Endpoint=${service.url};AuthType=azure.app;ClientId=a;TenantId=b;ClientCertPath=${file("server-key.pem")}` }, /no certificate of its private key/],
  ]) {
    const { code, stdout, stderr } = await run(`${ROOT}target/debug/function-app`, [], { env: { PORT: "0", SIGNALR_HUB: HUB, ...settings } });
    assert.equal(code, 64);
    assert.equal(stdout, "");
    assert.match(stderr, reason);
    assert.ok(!stderr.includes(SECRET), stderr);
  }
});
