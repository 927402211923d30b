// The three functions under cargo-lambda: over HTTP, and with every event of events/.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { claimsOf, connect, newMessage } from "./client.js";
import { freePort, listening } from "../clients/ports.js";
import { HUB, run, settings, start, startService } from "./programs.js";

const EVENTS = fileURLToPath(new URL("events/", import.meta.url));
const KEY = "fixture-key";

let service;
let lambda;
let client;
before(async () => {
  service = await startService();
  const port = await freePort();
  const env = {
    ...settings(service),
    FUNCTION_KEY: `other,${KEY}`,
    ALLOWED_ORIGINS: "https://app.example",
    NEGOTIATE_IDENTITY: "authorizer,anonymous",
    NEGOTIATE_CLAIMS: "email",
    BROADCAST_TIMER_MESSAGE: JSON.stringify(newMessage("timer")),
  };
  const args = ["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port", port];
  const watch = start("cargo", args, { env });
  await Promise.race([listening(port), watch.said(/error/i, 300_000)]);
  lambda = { ...watch, port, url: (name) => `http://127.0.0.1:${port}/lambda-url/${name}` };
  client = await connect(`${lambda.url("negotiate")}/${HUB}`);
});
after(async () => {
  await client?.stop();
  await lambda?.stop();
  await service?.stop();
});

/** Invokes a function with an event. Returns its answer, or the text of its failure. */
async function invoke(name, event) {
  const args = ["lambda", "invoke", name, "--data-file", `${EVENTS}${event}.json`];
  const { code, stdout, stderr } = await run("cargo", [...args, "--invoke-address", "127.0.0.1", "--invoke-port", lambda.port]);
  return code === 0 ? { answer: JSON.parse(stdout) } : { failure: stderr.replaceAll(/[\s│]+/g, " ") };
}

function post(name, path, body, headers = {}) {
  const options = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
  return fetch(`${lambda.url(name)}${path}`, options);
}

test("a stock client gets what is sent over HTTP", async () => {
  const sent = await post("broadcast", "/api/chat/broadcast", newMessage("over HTTP"), { "x-functions-key": KEY });
  assert.equal(sent.status, 202);
  assert.deepEqual(await client.until("over HTTP"), ["over HTTP"]);
  const listed = await post("group-admin", `/group-admin?code=${KEY}`, { action: "check", connectionId: client.connection.connectionId });
  assert.equal(listed.status, 200);
  assert.equal((await post("broadcast", "/broadcast", newMessage("never"))).status, 401);
});

/** Checks the answer of a function that sends: 202, and its messages arrive. */
const SENDS = {
  "function-url": ["function-url"],
  "function-url-base64": ["function-url-base64"],
  "http-api-stage": ["http-api-stage"],
  "http-api-key-in-query": ["http-api-key-in-query"],
  "http-api-format-1": ["http-api-format-1"],
  "rest-api": ["rest-api"],
  "rest-api-base-path": ["rest-api-base-path"],
  "rest-api-base64": ["rest-api-base64"],
  "load-balancer": ["load-balancer"],
  "load-balancer-multi-value": ["load-balancer-multi-value"],
};

/** Events that are not HTTP: the answer, and the messages that arrive. */
const TRIGGERS = {
  eventbridge: { answer: null, texts: ["eventbridge"] },
  "eventbridge-array": { answer: null, texts: ["eventbridge-array 1", "eventbridge-array 2"] },
  "eventbridge-rule": { answer: null, texts: ["timer"] },
  "eventbridge-scheduler": { answer: null, texts: ["timer"] },
  "schedule-input": { answer: null, texts: ["schedule-input"] },
  sqs: { answer: failed("message-2", "message-4"), texts: ["sqs 1", "sqs 3", "sqs 5"] },
  "sqs-fifo": { answer: failed("message-2", "message-3"), texts: ["sqs-fifo 1"] },
  "sqs-from-sns-and-eventbridge": { answer: failed(), texts: ["through sns", "through eventbridge"] },
  sns: { answer: failed(), texts: ["sns"] },
};

/** Negotiations: the user and the claim in the token. */
const USERS = {
  "http-api-negotiate": [undefined, undefined],
  "http-api-jwt-authorizer": ["ann", "ann@example.com"],
  "http-api-lambda-authorizer": ["bob", "bob@example.com"],
  "rest-api-cognito": ["cat", "cat@example.com"],
  "rest-api-lambda-authorizer": ["dan", undefined],
};

/** The part that the client's own query adds to the URL. The token is for the URL without this part. */
const QUERIES = { "http-api-jwt-authorizer": "&user=mallory" };

const REFUSED = { "http-api-without-key": 401, "rest-api-two-content-types": 415 };
const FAILS = { "eventbridge-bad": /unknown field `order`/, s3: /neither of SQS nor of SNS/ };

for (const [event, texts] of Object.entries(SENDS)) {
  test(`${event} sends`, async () => {
    const { answer, failure } = await invoke("broadcast", event);
    assert.equal(answer?.statusCode, 202, failure);
    assert.deepEqual(JSON.parse(answer.body), { results: [{ status: 202 }] });
    assert.deepEqual(await client.until(texts.at(-1)), texts);
  });
}

for (const [event, expected] of Object.entries(TRIGGERS)) {
  test(`${event} sends`, async () => {
    const { answer, failure } = await invoke("broadcast", event);
    assert.deepEqual(answer, expected.answer, failure);
    assert.deepEqual(await client.until(expected.texts.at(-1)), expected.texts);
  });
}

for (const [event, [user, email]] of Object.entries(USERS)) {
  test(`${event} negotiates for ${user ?? "nobody"}`, async () => {
    const { answer, failure } = await invoke("negotiate", event);
    assert.equal(answer?.statusCode, 200, failure);
    const { url, accessToken } = JSON.parse(answer.body);
    const claims = claimsOf(accessToken);
    assert.equal(url, `${claims.aud}${QUERIES[event] ?? ""}`);
    assert.deepEqual([claims["asrs.s.uid"], claims.email], [user, email]);
  });
}

for (const [event, status] of Object.entries(REFUSED)) {
  test(`${event} is refused with ${status}`, async () => {
    const { answer, failure } = await invoke("broadcast", event);
    assert.equal(answer?.statusCode, status, failure);
  });
}

for (const [event, reason] of Object.entries(FAILS)) {
  test(`${event} fails, so that it is tried again`, async () => {
    assert.match((await invoke("broadcast", event)).failure, reason);
  });
}

test("a preflight is answered by the function", async () => {
  const { answer } = await invoke("negotiate", "http-api-preflight");
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers["access-control-allow-origin"], "https://app.example");
  assert.equal(answer.headers["access-control-allow-credentials"], "true");
});

test("http-api-group-admin checks", async () => {
  const { answer, failure } = await invoke("group-admin", "http-api-group-admin");
  assert.equal(answer?.statusCode, 200, failure);
  assert.deepEqual(JSON.parse(answer.body), { results: [{ status: 200, exists: false }] });
});

test("only broadcast takes other events", async () => {
  for (const name of ["negotiate", "group-admin"]) {
    assert.match((await invoke(name, "eventbridge")).failure, /only broadcast takes events that are not HTTP/);
  }
});

test("every event in the folder is used", () => {
  const used = [SENDS, TRIGGERS, USERS, REFUSED, FAILS].flatMap(Object.keys);
  const files = readdirSync(EVENTS).map((file) => file.replace(".json", ""));
  assert.deepEqual([...used, "http-api-preflight", "http-api-group-admin"].sort(), files.sort());
});

function failed(...ids) {
  return { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) };
}
