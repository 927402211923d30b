// A reader who follows a page: a folder, a shell, an editor that sends requests, and the running programs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../clients/ports.js";
import { ROOT } from "./blocks.js";

/** No step takes longer than this. */
const LIMIT = 30_000;
/** The ports that pages name. Each page gets free ports instead of them. */
const PORTS = ["7071", "8888", "8889", "8080"];
const STARTS_THE_SYSTEM = /\bsignalr (dev|serve)\b|\bmake run\b/;
const DONE = "the block is done";

export class Reader {
  #folder;
  #ports;
  #environment;
  /** The running programs: the system itself, and everything that was started in the background. */
  #system;
  #started = [];
  #answer;

  static async open() {
    const reader = new Reader();
    reader.#folder = await mkdtemp(join(tmpdir(), "page-"));
    reader.#ports = new Map(await Promise.all(PORTS.map(async (port) => [port, String(await freePort())])));
    const { PATH } = process.env;
    reader.#environment = {
      PATH: `${join(ROOT, "tests/docs/bin")}:${PATH}:/usr/sbin`,
      HOME: reader.#folder,
      CHECKOUT: ROOT,
      FUNCTIONS_PORT: reader.#ports.get("7071"),
      SERVICE_PORT: reader.#ports.get("8888"),
    };
    await symlink(join(ROOT, "tests/clients/node_modules"), join(reader.#folder, "node_modules"));
    return reader;
  }

  async close() {
    await Promise.all([...this.#started].map((program) => program.stop()));
    await rm(this.#folder, { recursive: true });
  }

  async save(name, text) {
    await writeFile(join(this.#folder, name), this.#withPorts(text));
  }

  /** Runs commands until they end. */
  async run(text) {
    await this.#need(text);
    const program = this.#spawn("sh", ["-euc", this.#withPorts(text)]);
    assert.equal(await within(program.ended, text), 0, program.output());
    this.#answer = program.stdout.trim();
  }

  /** Starts commands that continue to run. */
  async start(text) {
    const isSystem = STARTS_THE_SYSTEM.test(text);
    if (isSystem) {
      await this.#system?.stop();
    }
    const program = this.#spawn("sh", ["-euc", this.#withPorts(text)]);
    if (isSystem) {
      await this.#becomesReady(program, /\bserve\b/.test(text) ? "serve" : "dev");
    }
  }

  /** Runs a module until its last line. The module and its connections stay. */
  async runScript(text) {
    await this.#need(text);
    const name = `block-${this.#started.length}.mjs`;
    await this.save(name, `${text}\nconsole.log("${DONE}");\n`);
    const program = this.#spawn("node", [name]);
    await program.prints(DONE);
  }

  /** Only parses a module. */
  async parse(text) {
    await this.save("parsed.mjs", text);
    const program = this.#spawn("node", ["--check", "parsed.mjs"]);
    assert.equal(await program.ended, 0, program.output());
  }

  /** Sends a request as an editor does: request line, headers, an empty line, the body. */
  async send(text, status) {
    await this.#need(text);
    const [head, ...body] = this.#withPorts(text).trimEnd().split("\n\n");
    const [requestLine, ...headerLines] = head.split("\n");
    const [, method, url] = /^([A-Z]+) (\S+)$/.exec(requestLine) ?? assert.fail(`no request line: ${requestLine}`);
    const headers = Object.fromEntries(headerLines.map((line) => /^([\w-]+): (.*)$/.exec(line).slice(1)));
    const answer = await within(request(method, url, headers, body.join("\n\n")), url);
    this.#answer = answer.text;
    if (status === undefined) {
      assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status}: ${answer.text}`);
    } else {
      assert.equal(answer.status, status, answer.text);
    }
  }

  /** If the block has the mark `answer`, the last answer must contain the expected value. */
  compare(expected, isAnswer) {
    if (isAnswer) {
      assert.ok(this.#answer !== undefined, "nothing was answered before");
      contains(JSON.parse(this.#answer), expected);
    }
  }

  /** Waits until a started program has printed the lines. */
  async waitFor(text) {
    const lines = this.#withPorts(text).trimEnd().split("\n");
    const programs = this.#started.filter((program) => program.runs);
    assert.ok(programs.length > 0, "nothing runs that could print it");
    for (const line of lines) {
      await Promise.any(programs.map((program) => program.prints(line))).catch(({ errors }) => assert.fail(errors[0]));
    }
  }

  /** Starts `signalr dev` if the text names a port on which nothing listens. */
  async #need(text) {
    const needs = (port) => text.includes(`localhost:${port}`);
    if ((needs("7071") && this.#system?.kind !== "dev") || (needs("8888") && this.#system === undefined)) {
      await this.start("signalr dev");
    }
  }

  async #becomesReady(program, kind) {
    this.#system = Object.assign(program, { kind });
    await program.prints("ready");
  }

  #withPorts(text) {
    return text.replace(/\b(7071|8888|8889|8080)\b/g, (port) => this.#ports.get(port));
  }

  #spawn(program, args) {
    // It has its own process group, so that programs of the shell end with it.
    const options = { cwd: this.#folder, env: this.#environment, detached: true, stdio: ["ignore", "pipe", "pipe"] };
    const started = new Program(spawn(program, args, options));
    this.#started.push(started);
    return started;
  }
}

/** A started program, and its output. */
class Program {
  stdout = "";
  #stderr = "";
  #child;
  runs = true;

  constructor(child) {
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text) => (this.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (this.#stderr += text));
    const closed = [once(child, "exit"), once(child.stdout, "close"), once(child.stderr, "close")];
    this.ended = Promise.all(closed).then(([[code, signal]]) => {
      this.runs = false;
      child.stdout.emit("data", "");
      return code ?? signal;
    });
    this.#kill = () => this.#signal("SIGKILL");
    process.once("exit", this.#kill);
  }

  #kill;

  output() {
    return `${this.stdout}\n${this.#stderr}`;
  }

  /** Waits until the text is printed. Fails if the program ends first. */
  prints(text) {
    const wait = async () => {
      while (!this.stdout.includes(text)) {
        assert.ok(this.runs, `it ended and did not print '${text}':\n${this.output()}`);
        await once(this.#child.stdout, "data");
      }
    };
    return within(wait(), `'${text}' to be printed`, () => this.output());
  }

  async stop() {
    process.off("exit", this.#kill);
    if (this.runs) {
      this.#signal("SIGTERM");
      const timer = setTimeout(() => this.#signal("SIGKILL"), 5000);
      await this.ended;
      clearTimeout(timer);
    }
  }

  #signal(signal) {
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The answer, or the reason why none came in time. A server that was just started may need a moment to listen. */
async function request(method, url, headers, body) {
  const until = Date.now() + LIMIT / 2;
  for (;;) {
    try {
      return await requestOnce(method, url, headers, body);
    } catch (error) {
      if (error.code !== "ECONNREFUSED" || Date.now() > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function requestOnce(method, url, headers, body) {
  const { request: open } = url.startsWith("https:") ? https : http;
  const sent = open(url, { method, headers, rejectUnauthorized: false });
  sent.end(body);
  const [response] = await once(sent, "response");
  let text = "";
  for await (const part of response.setEncoding("utf8")) {
    text += part;
  }
  return { status: response.statusCode, text };
}

/** Fails unless the actual value contains everything in the expected value. */
function contains(actual, expected, path = "the answer") {
  if (expected === "…") {
    assert.ok(actual !== undefined, `${path} is missing`);
  } else if (typeof expected === "object" && expected !== null) {
    assert.ok(typeof actual === "object" && actual !== null, `${path} is ${JSON.stringify(actual)}`);
    Object.entries(expected).forEach(([key, value]) => contains(actual[key], value, `${path}.${key}`));
  } else {
    assert.equal(actual, expected, path);
  }
}

async function within(promise, what, detail = () => "") {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LIMIT} ms for ${what}\n${detail()}`)), LIMIT);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
