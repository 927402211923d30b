// The reference is equal to what the code generates.
import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./blocks.js";
import { requests, signed, text } from "./local-http.js";
import { PARTS, description, withPart } from "./reference.js";

for (const { page, name, write } of PARTS) {
  test(`${page}: ${name}`, async () => {
    const text = read(page);
    assert.equal(text, withPart(text, name, await write()), "the page is out of date: run `make reference`");
  });
}

test("local.http has its token and its signature", () => {
  assert.equal(text(), signed(), "local.http is out of date: run `make reference`");
});

test("local.http has a request for each function and for each operation of REST", async () => {
  const { paths } = await description();
  const sent = requests();
  const fits = (path, template) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
  const operations = new Map();
  for (const [template, methods] of Object.entries(paths)) {
    for (const [method, { operationId }] of Object.entries(methods)) {
      const name = operationId.split("_")[0];
      const isThere = sent.some((request) => request.at === "service" && request.method === method.replace(/^x-/, "").toUpperCase() && fits(request.path, template));
      operations.set(name, operations.get(name) || isThere);
    }
  }
  assert.ok(operations.size > 25, `${operations.size} operations`);
  assert.deepEqual([...operations].filter(([, isThere]) => !isThere).map(([name]) => name), []);
  for (const name of ["negotiate", "broadcast", "group-admin", "upstream"]) {
    assert.ok(sent.some(({ at, path }) => at === "functions" && path === `/api/chat/${name}`), name);
  }
});
