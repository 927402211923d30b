// Results of a client's methods, returned to REST, with any transport and protocol of the client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "./client.js";
import { rest } from "./service.js";
import { startDev } from "./system.js";
import { WAYS } from "./wire.js";

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

const invoke = (client, target, ...args) =>
  rest(system, "POST", `hubs/chat/connections/${client.id}/:invoke`, { body: { target, arguments: args } });

for (const way of WAYS) {
  test(`${way.protocol} over ${way.transport}: results, errors and none`, async (t) => {
    const client = await connect(system, way);
    const { connection } = client;
    connection.on("echo", (...args) => args);
    connection.on("later", async (text) => `${text}, later`);
    connection.on("fail", () => {
      throw new Error("it did not work: é");
    });
    connection.on("nothing", () => {});
    connection.on("null", () => null);

    await t.test("a value comes back as the client wrote it", async () => {
      const values = [{ a: [1, -1.5, null, true] }, "é 🎉", "2024-05-06T07:08:09Z", [[]], Number.MAX_SAFE_INTEGER];
      const { status, text } = await invoke(client, "echo", ...values);
      assert.deepEqual([status, JSON.parse(text)], [200, { result: values }]);
    });
    await t.test("a promise's value comes back", async () => {
      const { status, text } = await invoke(client, "later", "yes");
      assert.deepEqual([status, JSON.parse(text)], [200, { result: "yes, later" }]);
    });
    await t.test("null is a value", async () => {
      const { status, text } = await invoke(client, "null");
      assert.deepEqual([status, JSON.parse(text)], [200, { result: null }]);
    });
    await t.test("an error is told", async () => {
      const { status, text } = await invoke(client, "fail");
      assert.ok(status >= 400, String(status));
      assert.match(JSON.parse(text).message ?? text, /it did not work: é/);
    });
    for (const target of ["nothing", "unknown"]) {
      await t.test(`a method that gives no result is an error: ${target}`, async () => {
        const { status, text } = await invoke(client, target);
        assert.ok(status >= 400, String(status));
        assert.match(text, /Client didn't provide a result/);
      });
    }
    await t.test("many at once get each their own", async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => invoke(client, "echo", index)));
      assert.deepEqual(answers.map(({ text }) => JSON.parse(text).result), answers.map((_, index) => [index]));
    });
    await t.test("a client that leaves meanwhile", async () => {
      connection.on("leave", () => connection.stop());
      assert.ok((await invoke(client, "leave")).status >= 400);
      assert.equal((await invoke(client, "echo")).status, 404);
    });
  });
}
