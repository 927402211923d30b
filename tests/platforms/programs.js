// Programs that the tests start. The tests end them by their process ids.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const HUB = "chat";

/** The folder of cargo-lambda, SAM and their dependencies, which `make deploy-tools` installs. */
export const TOOLS = `${ROOT}.venv-deploy/bin`;

// If a test run is ended, it ends all programs that it started.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

/** The variables that every program gets from this machine. Other variables must not change the results of tests. */
function machine() {
  const kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"];
  const env = Object.fromEntries(kept.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
  return { ...env, PATH: `${TOOLS}${delimiter}${env.PATH}`, SAM_CLI_TELEMETRY: "0" };
}

/**
 * Starts a program. `said(pattern)` waits for a line that matches, for a minute if no other time is given.
 * `stop()` ends the program and all programs that it started, because it leads its own process group.
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
  const said = (pattern, patience = 60_000) =>
    new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${command} ${why}:\n${lines.join("\n")}`));
      const limit = setTimeout(() => fail(`has not said ${pattern} after ${patience} ms`), patience).unref();
      const check = (line) => {
        const found = pattern.exec(line);
        if (found) {
          clearTimeout(limit);
          waiting.delete(check);
          resolve(found[1] ?? found[0]);
        }
      };
      waiting.add(check);
      lines.forEach(check);
      ended.then((code) => {
        clearTimeout(limit);
        fail(`ended with ${code}`);
      });
    });
  const stop = async (signal = "SIGTERM") => {
    kill(signal);
    return ended;
  };
  return { pid: child.pid, lines, said, ended, stop };
}

/** Runs a program until it ends: `{ code, stdout, stderr }`. */
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

/** The service, on the given port or a free port. `url` is its address. */
export async function startService({ port = 0, args = [], env = {} } = {}) {
  const program = start(`${ROOT}target/debug/signalr`, ["serve", "--port", port, ...args], { env });
  const connectionString = await program.said(/^connection string\s+(\S+)$/);
  const [, host, openPort] = /Endpoint=([^;]+);Port=(\d+)/.exec(connectionString);
  await program.said(/^ready$/);
  return { ...program, connectionString, url: `${host}:${openPort}` };
}

/** The function app on its own port. `url` is its address. */
export async function startApp(service, env = {}) {
  const program = start(`${ROOT}target/debug/function-app`, [], { env: { PORT: "0", ...settings(service), ...env } });
  const url = await program.said(/^listening on (http\S+)$/);
  return { ...program, url };
}

/** The variables of every function. */
export function settings(service) {
  return { AzureSignalRConnectionString: service.connectionString, SIGNALR_HUB: HUB };
}
