// A client that stops reading while much is sent to its group.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { after, before, test } from "node:test";
import { connect, stopAll } from "./client.js";
import { clientUrl, rest, sign } from "./service.js";
import { portOf, startDev } from "./system.js";
import { WAYS } from "./wire.js";

const MESSAGES = 1600;
const SIZE = 64 * 1024;
/** After this many messages the test waits for the other clients, because their unread messages are bounded too. */
const AT_ONCE = 40;
const MAX_GROWTH_MB = 200;

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

test(`${(MESSAGES * SIZE) / 2 ** 20} MB to a group: who does not read is closed, the others get everything`, async (t) => {
  const clients = await Promise.all(WAYS.map((way) => connect(system, way)));
  const [late, never] = [await SilentClient.connect(), await SilentClient.connect()];
  for (const { id } of [...clients, late, never]) {
    assert.equal((await rest(system, "PUT", `hubs/chat/groups/large/connections/${id}`)).status, 200);
  }
  late.stopReading();
  never.stopReading();

  const before = residentMegabytes();
  let most = before;
  const text = "x".repeat(SIZE);
  for (let number = 0; number < MESSAGES; number += 1) {
    const body = { target: "newMessage", arguments: [number, text] };
    assert.equal((await rest(system, "POST", "hubs/chat/groups/large/:send", { body })).status, 202);
    if (number % AT_ONCE === AT_ONCE - 1) {
      most = Math.max(most, residentMegabytes());
      await Promise.all(clients.map((client) => client.received(number + 1)));
    }
    if (!late.isReading && system.stderr.filter((line) => line.includes("a slow client is closed")).length === 2) {
      late.read();
    }
  }

  for (const client of clients) {
    assert.deepEqual(client.messages.map(([number]) => number), Array.from({ length: MESSAGES }, (_, index) => index));
    assert.equal(client.connection.state, "Connected");
  }
  assert.match(await late.closeMessage(), /reads slower than messages come/);
  for (const { id } of [late, never]) {
    assert.equal((await rest(system, "HEAD", `hubs/chat/connections/${id}`)).status, 404);
  }
  t.diagnostic(`resident memory: ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`);
  assert.ok(most - before < MAX_GROWTH_MB, `grew by ${most - before} MB`);
  never.end();
  await stopAll(...clients);
});

function residentMegabytes() {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${system.pid}/status`, "utf8"));
  return Number(kilobytes) / 1024;
}

/** A JSON client on a bare WebSocket that can stop reading. */
class SilentClient {
  isReading = true;
  #socket;
  #received = "";

  static async connect() {
    const client = new SilentClient();
    const token = sign(system, { aud: clientUrl(system) });
    const headers = { authorization: `Bearer ${token}` };
    const negotiate = clientUrl(system).replace("?", "negotiate?negotiateVersion=1&");
    const { connectionId, connectionToken } = await (await fetch(negotiate, { method: "POST", headers })).json();
    client.id = connectionId;
    client.#socket = connectSocket({ host: "localhost", port: portOf(system.service) });
    client.#socket.setEncoding("latin1").on("error", () => {});
    client.#socket.on("data", (text) => (client.#received = (client.#received + text).slice(-(2 ** 20))));
    client.#socket.write(
      `GET /client/?hub=chat&id=${connectionToken} HTTP/1.1\r\nHost: ${new URL(system.service).host}\r\n` +
        `Authorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await client.#until(/\r\n\r\n/);
    client.#socket.write(textFrame('{"protocol":"json","version":1}\u001e'));
    await client.#until(/\{\}\u001e/);
    return client;
  }

  stopReading() {
    this.isReading = false;
    this.#socket.pause();
  }

  read() {
    this.isReading = true;
    this.#socket.resume();
  }

  /** The text of the Close message. */
  closeMessage() {
    return this.#until(/\{"type":7.*?\u001e/);
  }

  end() {
    this.#socket.destroy();
  }

  async #until(pattern) {
    while (!pattern.test(this.#received)) {
      const [end] = await Promise.race([once(this.#socket, "data"), once(this.#socket, "close")]);
      assert.ok(typeof end === "string" || pattern.test(this.#received), "the connection ended");
    }
    return pattern.exec(this.#received)[0];
  }
}

/** A masked WebSocket frame with a mask of zeros. */
function textFrame(text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
