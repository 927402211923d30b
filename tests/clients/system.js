// The system under test: the real `signalr` command, started on free ports and ended by its process id.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const BINARY = process.env.SIGNALR_BIN ?? fileURLToPath(new URL("../../target/debug/signalr", import.meta.url));

/** What the command says about a place, by the words in front of it. */
const PLACES = {
  page: /^chat page\s+(http\S+)$/,
  negotiate: /^clients\s+(http\S+)$/,
  service: /^service\s+(http\S+)$/,
  admin: /^admin\s+(http\S+)$/,
  connectionString: /^connection string\s+(\S+)$/,
};

// A test run that is ended, by its own time limit or by a person, takes what it started with it.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

/** Starts `signalr dev` and waits until it says that it is ready. */
export async function startDev({ port = 0, servicePort = 0, args = [], env = {} } = {}) {
  const command = start(["dev", "--port", port, "--service-port", servicePort, ...args], env);
  return { ...command, ...(await command.places()) };
}

/** Starts `signalr serve` and waits until it says that it is ready. */
export async function startServe({ port = 0, args = [], env = {}, cwd } = {}) {
  const command = start(["serve", "--port", port, ...args], env, cwd);
  return { ...command, ...(await command.places()) };
}

/** Runs the command to its end: `{ code, stdout, stderr }`. */
export async function runToEnd(args, env = {}) {
  const command = start(args, env);
  const code = await command.ended;
  return { code, stdout: command.stdout.join("\n"), stderr: command.stderr.join("\n") };
}

/** The port in a URL. */
export function portOf(url) {
  return Number(new URL(url).port);
}

function start(args, env, cwd) {
  // The machine's own settings must not decide what the tests see.
  const { PATH, SystemRoot } = process.env;
  const child = spawn(BINARY, args.map(String), { env: { PATH, SystemRoot, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
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
    /** Waits for `ready` and reads the places printed before it. */
    async places() {
      const outcome = await Promise.race([ready, ended]);
      if (outcome !== undefined) {
        throw new Error(`signalr ${args.join(" ")} ended with ${outcome}:\n${stderr.join("\n")}`);
      }
      const found = (pattern) => stdout.map((line) => pattern.exec(line)?.[1]).find(Boolean);
      return Object.fromEntries(Object.entries(PLACES).map(([name, pattern]) => [name, found(pattern)]));
    },
    /** Waits until a line on standard error matches. */
    async says(pattern) {
      while (!stderr.some((line) => pattern.test(line))) {
        await once(errors, "line");
      }
    },
    /** Ends the command as a process manager does, and gives its exit code. */
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
