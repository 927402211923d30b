// Redis on a free port, and a balancer that spreads clients over nodes.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, listening } from "./ports.js";

/** Redis on a free port. */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), "redis-"));
  const port = await freePort();
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder].map(String);
  let child;
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const start = async () => {
    child = spawn(process.env.REDIS_SERVER ?? "redis-server", args, { stdio: "ignore" });
    await listening(port, () => child.exitCode === null);
  };
  const crash = async () => {
    const ended = once(child, "exit");
    kill();
    await ended;
  };
  await start();
  const ask = async (...command) => {
    const { stdout } = await promisify(execFile)("redis-cli", ["-p", String(port), ...command]);
    return stdout.split("\n").filter((line) => line !== "");
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    /** Sends a command. Returns the lines of its answer. */
    ask,
    /** The keys that match a pattern. */
    keys: (pattern) => ask("--scan", "--pattern", pattern),
    /** Ends it as a crash would. */
    crash,
    /** Starts it again without data. Returns when it accepts connections. */
    start,
    async stop() {
      process.off("exit", kill);
      await crash();
      await rm(folder, { recursive: true });
    },
  };
}

/** Forwards each socket to the first node that accepts it. With `inTurn`, to each node in turn. */
export async function startBalancer(nodes, { inTurn = false } = {}) {
  const portsOf = (some) => some.map((node) => Number(new URL(node.service).port));
  let ports = portsOf(nodes);
  const sockets = new Set();
  let first = 0;
  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    const order = ports.map((_, index) => ports[(first + index) % ports.length]);
    first += inTurn ? 1 : 0;
    open(client, order);
  });
  const open = (client, [port, ...others]) => {
    if (port === undefined) {
      client.destroy();
      return;
    }
    const node = connectSocket({ port, host: "localhost", noDelay: true });
    const refused = () => open(client, others);
    node.once("error", refused);
    node.once("connect", () => {
      node.off("error", refused);
      for (const [one, other] of [[client, node], [node, client]]) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy() && sockets.delete(one));
        one.pipe(other);
      }
    });
  };
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    url: `http://localhost:${server.address().port}/`,
    /** Forwards new sockets to these nodes. */
    goTo(others) {
      ports = portsOf(others);
    },
    stop() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}
