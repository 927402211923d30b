// Stock clients without their own token send the service's token to negotiate when they reconnect.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { OAuth2Server } from "oauth2-mock-server";
import { freePort } from "../clients/ports.js";
import { HUB, startApp, startService } from "./programs.js";

const issuer = new OAuth2Server();
before(async () => {
  await issuer.issuer.keys.generate("RS256");
  await issuer.start(0, "127.0.0.1");
});
after(() => issuer.stop());

const PRINCIPAL = { "x-ms-client-principal-id": "ann" };
const AZURE = { FUNCTIONS_CUSTOMHANDLER_PORT: "0", WEBSITE_AUTH_ENABLED: "True" };

for (const [identity, { query = "", headers = {}, env = {} }] of Object.entries({
  "jwt,anonymous": {},
  "jwt,easyauth": { headers: PRINCIPAL, env: AZURE },
  "jwt,query:u": { query: "?u=ann" },
})) {
  test(`a client reconnects after a restart of the service through ${identity}`, async (t) => {
    const port = await freePort();
    let service = await startService({ port });
    const app = await startApp(service, {
      NEGOTIATE_IDENTITY: identity,
      ALLOW_INSECURE_IDENTITY: "true",
      OIDC_ISSUER: issuer.issuer.url,
      OIDC_AUDIENCE: "chat-app",
      FUNCTION_KEY: "key",
      ...env,
    });
    t.after(() => Promise.all([app.stop(), service.stop()]));
    const connection = new HubConnectionBuilder()
      .withUrl(`${app.url}/api/${HUB}${query}`, { headers })
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 50 })
      .configureLogging(LogLevel.None)
      .build();
    t.after(() => connection.stop());
    const received = new Promise((resolve) => connection.on("newMessage", resolve));
    const reconnected = new Promise((resolve) => connection.onreconnected(resolve));
    await connection.start();
    const first = connection.connectionId;
    await service.stop();
    service = await startService({ port });
    assert.notEqual(await reconnected, first);
    const to = identity === "jwt,anonymous" ? {} : { userId: "ann" };
    const sent = await fetch(`${app.url}/api/broadcast`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-functions-key": "key" },
      body: JSON.stringify({ target: "newMessage", arguments: ["back"], ...to }),
    });
    assert.equal(sent.status, 202);
    assert.equal(await received, "back");
  });
}
