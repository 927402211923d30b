import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { clientUrl, negotiate, rest, sign } from "./service.js";
import { startDev } from "./system.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

const now = () => Math.floor(Date.now() / 1000);
const hubUrl = () => new URL("/api/hubs/chat", system.service).href;

/** Tokens with one fault each, and the text of the refusal. `aud` is the right audience. */
const bad = {
  "the wrong key": [(aud) => sign(system, { aud }, "another key that is long enough for the signature"), /signature|another key/i],
  "the wrong audience": [() => sign(system, { aud: "http://localhost/elsewhere" }), /audience/i],
  "no audience": [() => sign(system, {}), /audience|aud/i],
  "a past expiry": [(aud) => sign(system, { aud, nbf: now() - 7200, exp: now() - 3600 }), /expired|expiry/i],
  "a start in the future": [(aud) => sign(system, { aud, nbf: now() + 3600, exp: now() + 7200 }), /not yet|nbf|not valid before/i],
  "no shape of a token": [() => "abc", /token/i],
};

for (const [name, [token, text]] of Object.entries(bad)) {
  test(`a client with ${name} is refused, and told so`, async () => {
    const answer = await negotiate(system, token(clientUrl(system)));
    assert.equal(answer.status, 401);
    assert.match(answer.text, text);
  });

  test(`a WebSocket with ${name} is refused, and told so`, async () => {
    const url = `${clientUrl(system).replace(/^http/, "ws")}&access_token=${token(clientUrl(system))}`;
    const [request, response] = await once(new WebSocket(url).on("error", () => {}), "unexpected-response");
    assert.equal(response.statusCode, 401);
    assert.match((await response.toArray()).join(""), text);
    request.destroy();
  });

  test(`a REST call with ${name} is refused, and told so`, async () => {
    const path = "hubs/chat/users/ann/groups/g";
    const answer = await rest(system, "PUT", path, { token: token(`${hubUrl()}/users/ann/groups/g`) });
    assert.equal(answer.status, 401);
    assert.match(answer.text, text);
  });
}

test("no token at all is refused", async () => {
  assert.equal((await negotiate(system, undefined)).status, 401);
});

test("good tokens are accepted, so the refusals above are for the one thing that is bad", async () => {
  assert.equal((await negotiate(system, sign(system, { aud: clientUrl(system) }))).status, 200);
  assert.equal((await rest(system, "PUT", "hubs/chat/users/ann/groups/g")).status, 200);
});

test("a client's token cannot call REST, nor a REST token connect", async () => {
  const path = "hubs/chat/users/ann/groups/g";
  assert.equal((await rest(system, "PUT", path, { token: sign(system, { aud: clientUrl(system) }) })).status, 401);
  assert.equal((await negotiate(system, sign(system, { aud: `${hubUrl()}/users/ann/groups/g` }))).status, 401);
});

test("a refusal repeats no token and no key", async () => {
  const token = sign(system, { aud: clientUrl(system) }, "another key that is long enough for the signature");
  const { text } = await negotiate(system, token);
  assert.ok(!text.includes(token));
  assert.ok(!text.includes(/AccessKey=([^;]+)/.exec(system.connectionString)[1]));
});

test("health needs no token", async () => {
  assert.equal((await fetch(new URL("/api/health", system.service))).status, 200);
});
