import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect, stopAll } from "./client.js";
import { clientUrl } from "./service.js";
import { startDev } from "./system.js";

let system;
before(async () => {
  system = await startDev({ args: ["--hub", "chat", "--hub", "news"] });
});
after(() => system.stop());

const post = (path, headers = {}) => fetch(new URL(path, system.page), { method: "POST", headers });
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

test("negotiate answers the service's URL, and a token for exactly that URL", async () => {
  const response = await post("/api/chat/negotiate?negotiateVersion=1");
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.deepEqual(Object.keys(answer), ["url", "accessToken"]);
  assert.equal(answer.url, clientUrl(system));
  assert.equal(claims(answer.accessToken).aud, answer.url);
});

test("a user is named by the query, and by nothing an anonymous one", async () => {
  const ann = await (await post("/api/chat/negotiate?user=ann%20%C3%A9")).json();
  assert.equal(claims(ann.accessToken)["asrs.s.uid"], "ann é");
  const anybody = await (await post("/api/chat/negotiate")).json();
  assert.equal(claims(anybody.accessToken)["asrs.s.uid"], undefined);
});

test("without a hub in the path the first hub answers", async () => {
  assert.equal((await (await post("/api/negotiate")).json()).url, clientUrl(system));
});

test("every hub that was named is served, and no other", async () => {
  const news = await connect(system, { hub: "news" });
  assert.equal(news.connection.state, "Connected");
  await stopAll(news);
  const response = await post("/api/sport/negotiate");
  assert.equal(response.status, 404);
  assert.match(response.headers.get("content-type"), /application\/problem\+json/);
  assert.match(await response.text(), /sport/);
});

test("pages of this machine may negotiate, pages of others may not", async () => {
  for (const origin of ["http://localhost:3000", "http://127.0.0.1:5173"]) {
    const { headers } = await post("/api/chat/negotiate", { origin });
    assert.equal(headers.get("access-control-allow-origin"), origin);
    assert.equal(headers.get("access-control-allow-credentials"), "true");
  }
  const { headers } = await post("/api/chat/negotiate", { origin: "https://example.com" });
  assert.equal(headers.get("access-control-allow-origin"), null);
});

test("a stock client connects, and two have two connection ids", async () => {
  const [one, two] = [await connect(system), await connect(system)];
  assert.ok(one.id && two.id);
  assert.notEqual(one.id, two.id);
  await stopAll(one, two);
});
