// Commands of the project as processes: on free ports, and ended by their process ids.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "./until.js";

export const BINARY = process.env.SIGNALR_BIN ?? fileURLToPath(new URL("../../target/debug/signalr", import.meta.url));

const FUNCTIONS = fileURLToPath(new URL("../../target/debug/function-app", import.meta.url));

/** The addresses that the command prints, and the words before each of them. */
const PLACES = {
  page: /^chat page\s+(http\S+)$/,
  negotiate: /^clients\s+(http\S+)$/,
  service: /^service\s+(http\S+)$/,
  dashboard: /^dashboard\s+(http\S+)$/,
  admin: /^admin\s+(http\S+)$/,
  connectionString: /^connection string\s+(\S+)$/,
};

// If a test run is ended, by its time limit or by a person, it ends all programs that it started.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

/** `signalr dev`, once it says that it is ready. */
export async function startDevAlone({ port = 0, servicePort = 0, args = [], env = {} } = {}) {
  const command = start(["dev", "--port", port, "--service-port", servicePort, ...args], env);
  return { ...command, ...(await command.places()) };
}

/** `signalr serve`, once it says that it is ready. */
export async function startServeAlone({ port = 0, args = [], env = {}, cwd } = {}) {
  const command = start(["serve", "--port", port, ...args], env, cwd);
  return { ...command, ...(await command.places()) };
}

/** Starts the functions as a separate program, for the service. `url` is their address. */
export async function startFunctions(service, { env = {} } = {}) {
  const own = { AzureSignalRConnectionString: service.connectionString, SIGNALR_HUB: "chat", PORT: "0", ...env };
  const functions = start([], own, undefined, FUNCTIONS);
  const url = await Promise.race([functions.prints(/^listening on (http\S+)$/), functions.ended]);
  if (typeof url !== "string") {
    throw new Error(`the functions ended with ${url}:\n${functions.stderr.join("\n")}`);
  }
  return { ...functions, url };
}

/** Runs the command until it ends: `{ code, stdout, stderr }`. */
export async function runToEnd(args, env = {}) {
  const command = start(args, env);
  const code = await command.ended;
  return { code, stdout: command.stdout.join("\n"), stderr: command.stderr.join("\n") };
}

/** The port in a URL. */
export function portOf(url) {
  return Number(new URL(url).port);
}

function start(args, env, cwd, program = BINARY) {
  // The machine's own settings must not decide what the tests see.
  const { PATH, SystemRoot } = process.env;
  const child = spawn(program, args.map(String), { env: { PATH, SystemRoot, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);

  const stdout = [];
  const stderr = [];
  const lines = createInterface({ input: child.stdout });
  const errors = createInterface({ input: child.stderr });
  errors.on("line", (line) => stderr.push(line));
  const ready = new Promise((resolve) => {
    lines.on("line", (line) => {
      stdout.push(line);
      if (line === "ready") {
        resolve();
      }
    });
  });
  const ended = Promise.all([once(child, "exit"), once(child.stdout, "close"), once(child.stderr, "close")]).then(
    ([[code, signal]]) => {
      process.off("exit", kill);
      return code ?? signal;
    },
  );

  return {
    pid: child.pid,
    stdout,
    stderr,
    ended,
    /** Waits for `ready` and reads the addresses that are printed before it. */
    async places() {
      const outcome = await Promise.race([ready, ended]);
      if (outcome !== undefined) {
        throw new Error(`signalr ${args.join(" ")} ended with ${outcome}:\n${stderr.join("\n")}`);
      }
      const found = (pattern) => stdout.map((line) => pattern.exec(line)?.[1]).find(Boolean);
      return Object.fromEntries(Object.entries(PLACES).map(([name, pattern]) => [name, found(pattern)]));
    },
    /** Waits until a line on standard output matches. Returns the group in parentheses. */
    prints(pattern) {
      return until(() => stdout.map((line) => pattern.exec(line)?.[1]).find(Boolean), { what: () => `${pattern} in\n${stdout.join("\n")}` });
    },
    /** Waits until a line on standard error matches. */
    says(pattern) {
      return until(() => stderr.some((line) => pattern.test(line)), { what: () => `${pattern} in\n${stderr.join("\n")}` });
    },
    /** Ends the command as a process manager does. Returns its exit code. */
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
