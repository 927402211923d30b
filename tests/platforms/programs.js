// Programs that the tests start, and end by their process ids.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { delimiter } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const HUB = "chat";

/** cargo-lambda, SAM and what they need, as `make deploy-tools` installs them. */
export const TOOLS = `${ROOT}.venv-deploy/bin`;

// A test run that is ended takes what it started with it.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

/** What every program gets from this machine; the rest of the environment must not decide what tests see. */
function machine() {
  const kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"];
  const env = Object.fromEntries(kept.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
  return { ...env, PATH: `${TOOLS}${delimiter}${env.PATH}`, SAM_CLI_TELEMETRY: "0" };
}

/**
 * Starts a program. `said(pattern)` waits for a line that matches, and `stop()` ends the program and
 * all that it started: it leads a process group of its own.
 */
export function start(command, args, { env = {}, cwd = ROOT } = {}) {
  const options = { cwd, env: { ...machine(), ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true };
  const child = spawn(command, args.map(String), options);
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  };
  const killAtExit = () => kill("SIGKILL");
  process.once("exit", killAtExit);

  const lines = [];
  const waiting = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      waiting.forEach((check) => check(line));
    });
  }
  const ended = Promise.all([once(child, "exit"), once(child.stdout, "close"), once(child.stderr, "close")]).then(
    ([[code, signal]]) => {
      process.off("exit", killAtExit);
      return code ?? signal;
    },
  );
  const said = (pattern) =>
    new Promise((resolve, reject) => {
      const check = (line) => {
        const found = pattern.exec(line);
        if (found) {
          waiting.delete(check);
          resolve(found[1] ?? found[0]);
        }
      };
      waiting.add(check);
      lines.forEach(check);
      ended.then((code) => reject(new Error(`${command} ended with ${code}:\n${lines.join("\n")}`)));
    });
  const stop = async (signal = "SIGTERM") => {
    kill(signal);
    return ended;
  };
  return { pid: child.pid, lines, said, ended, stop };
}

/** Runs a program to its end: `{ code, stdout, stderr }`. */
export async function run(command, args, { env = {}, cwd = ROOT } = {}) {
  const child = spawn(command, args.map(String), { cwd, env: { ...machine(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
  }
  const [code] = await once(child, "close");
  process.off("exit", killAtExit);
  return { code, ...output };
}

/** The service, on a free port unless one is given: `url` is where it listens. */
export async function startService({ port = 0, args = [], env = {} } = {}) {
  const program = start(`${ROOT}target/debug/signalr`, ["serve", "--port", port, ...args], { env });
  const connectionString = await program.said(/^connection string\s+(\S+)$/);
  const [, host, openPort] = /Endpoint=([^;]+);Port=(\d+)/.exec(connectionString);
  await program.said(/^ready$/);
  return { ...program, connectionString, url: `${host}:${openPort}` };
}

/** The function app on a port of its own: `url` is where it listens. */
export async function startApp(service, env = {}) {
  const program = start(`${ROOT}target/debug/function-app`, [], { env: { PORT: "0", ...settings(service), ...env } });
  const url = await program.said(/^listening on (http\S+)$/);
  return { ...program, url };
}

/** What every function is told. */
export function settings(service) {
  return { AzureSignalRConnectionString: service.connectionString, SIGNALR_HUB: HUB };
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until somebody listens on the port. */
export async function listening(port) {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const opened = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    if (opened) {
      return;
    }
    await setTimeout(50);
  }
}
