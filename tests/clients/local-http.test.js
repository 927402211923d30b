// Runs local.http from top to bottom and checks the status that each request's title promises.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startDev } from "./system.js";

const text = readFileSync(new URL("../../local.http", import.meta.url), "utf8");

test("every request of local.http answers the status in its title", async (t) => {
  const system = await startDev();
  t.after(() => system.stop());
  const [head, ...requests] = text.split(/^### /m);
  const variables = new Map(Array.from(head.matchAll(/^@(\w+) = (\S+)$/gm), ([, name, value]) => [name, value]));
  assert.deepEqual([variables.get("functions"), variables.get("service")], ["http://localhost:7071", "http://localhost:8888"]);
  variables.set("functions", new URL(system.page).origin).set("service", new URL(system.service).origin);
  assert.ok(requests.length > 20);
  for (const request of requests.map((source) => parse(source))) {
    await t.test(request.title, async () => {
      const fill = (source) => source.replace(/\{\{(.+?)\}\}/g, (_, name) => variables.get(name) ?? assert.fail(name));
      const headers = new Headers(request.headers.map(([name, value]) => [name, fill(value)]));
      const body = request.body === "" ? undefined : fill(request.body);
      const response = await fetch(fill(request.url), { method: request.method, headers, body });
      const answer = await response.text();
      assert.equal(response.status, request.status, answer);
      if (request.name !== undefined) {
        for (const [key, value] of Object.entries(JSON.parse(answer))) {
          variables.set(`${request.name}.response.body.$.${key}`, value);
        }
      }
    });
  }
});

function parse(source) {
  const [head, ...rest] = source.split("\n\n");
  const [, title, status] = /^(.*) \((\d{3})\)$/.exec(head.split("\n")[0]) ?? assert.fail(`no status: ${head}`);
  const lines = head.split("\n").slice(1);
  const name = lines.map((line) => /^# @name (\w+)$/.exec(line)?.[1]).find(Boolean);
  const [requestLine, ...headerLines] = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const [, method, url] = /^([A-Z]+) (\S+)$/.exec(requestLine);
  const headers = headerLines.map((line) => /^([\w-]+): (.*)$/.exec(line).slice(1));
  return { title, status: Number(status), name, method, url, headers, body: rest.join("\n\n").trim() };
}
