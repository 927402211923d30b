// Stock Python clients, over WebSockets.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { broadcast } from "./client.js";
import { clientUrl, rest, sign } from "./service.js";
import { startDev } from "./system.js";
import { until } from "./until.js";

const PYTHON = fileURLToPath(new URL("python/.venv/bin/python", import.meta.url));
const LISTEN = fileURLToPath(new URL("python/listen.py", import.meta.url));

let system;
before(async () => {
  system = await startDev();
});
after(() => system.stop());

const ARGUMENTS = [null, { nested: [[1.5, true]] }, "é 🎉", "2024-05-06T07:08:09Z", 2 ** 40, 6, 7, 8, 9, 10, 11];

/** Runs a client until it ends. When it is connected, it gets the messages and then the message `end`. */
async function hear(library, protocol, ...place) {
  const child = spawn(PYTHON, ["-B", LISTEN, library, protocol, ...place], { stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stderr = [];
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const heard = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", async (line) => {
    heard.push(JSON.parse(line));
    if (heard.at(-1)[0] === "open") {
      await until(async () => (await rest(system, "HEAD", "hubs/chat/users/ann")).status === 200);
      await broadcast(system, { target: "newMessage", arguments: ARGUMENTS });
      await broadcast(system, { target: "newMessage", arguments: ["to ann"], userId: "ann" });
      await broadcast(system, { target: "end", arguments: [] });
    }
  });
  const [[code, signal]] = await Promise.all([once(child, "exit"), once(lines, "close")]);
  process.off("exit", kill);
  assert.equal(code ?? signal, 0, stderr.join("\n"));
  return heard;
}

const EXPECTED = [["open"], ["message", ARGUMENTS], ["message", ["to ann"]]];

for (const library of ["pysignalr", "signalrcore"]) {
  for (const protocol of ["json", "messagepack"]) {
    test(`${library}, ${protocol}: through the negotiate function`, async () => {
      const url = new URL("/api/chat?user=ann", system.page).href;
      assert.deepEqual(await hear(library, protocol, url), EXPECTED);
    });

    test(`${library}, ${protocol}: at the service itself, with negotiation`, async () => {
      const token = sign(system, { aud: clientUrl(system), "asrs.s.uid": "ann" });
      assert.deepEqual(await hear(library, protocol, clientUrl(system), token), EXPECTED);
    });
  }
}
