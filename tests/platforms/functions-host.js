// A stand-in for the host of Azure Functions, as far as custom handlers see it: it starts the packaged
// executable, waits until it answers, and passes calls on in each of the host's three modes.
// Sources: learn.microsoft.com/azure/azure-functions/functions-custom-handlers, the host's public issues.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { freePort, listening, start } from "./programs.js";

export const HOST_KEY = "the-host-key";
export const MODES = ["proxying", "forwarding", "envelope"];

/** Starts the package in the folder, in one of the modes. */
export async function startHost(folder, mode, env) {
  const port = await freePort();
  const settings = JSON.parse(readFileSync(join(folder, "host.json")));
  const executable = join(folder, settings.customHandler.description.defaultExecutablePath);
  const app = start(executable, [], { cwd: folder, env: { ...env, FUNCTIONS_CUSTOMHANDLER_PORT: String(port) } });
  await Promise.race([listening(port), app.ended.then(() => app.said(/$^/))]);
  const ready = await fetch(`http://127.0.0.1:${port}/`);

  const host = new Host(port, mode, settings.extensions.http.routePrefix, functionsIn(folder));
  const server = createServer((incoming, outgoing) => {
    host.serve(incoming, outgoing).catch((error) => outgoing.writeHead(500).end(String(error)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ready: ready.status,
    url: `http://127.0.0.1:${server.address().port}`,
    /** Fires a trigger that is not HTTP: whether the function succeeded. */
    fire: (name, data) => host.fire(name, data),
    async stop() {
      server.closeAllConnections();
      server.close();
      return app.stop();
    },
  };
}

function functionsIn(folder) {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const { bindings } = JSON.parse(readFileSync(join(folder, name, "function.json")));
    const trigger = bindings.find((binding) => /trigger$/i.test(binding.type));
    return { name, trigger, output: bindings.find((binding) => binding.type === "http") };
  });
}

class Host {
  constructor(port, mode, prefix, functions) {
    Object.assign(this, { port, mode, prefix, functions });
  }

  async serve(incoming, outgoing) {
    const url = new URL(incoming.url, "http://host");
    const found = this.#route(incoming.method, url.pathname);
    if (!found) {
      return outgoing.writeHead(404).end();
    }
    const key = incoming.headers["x-functions-key"] ?? url.searchParams.get("code");
    if (found.trigger.authLevel !== "anonymous" && key !== HOST_KEY) {
      return outgoing.writeHead(401).end();
    }
    if (this.mode === "proxying") {
      return this.#proxy(incoming, outgoing);
    }
    const body = await readAll(incoming);
    return this.mode === "forwarding" ? this.#forward(incoming, body, outgoing) : this.#envelop(found, incoming, body, outgoing);
  }

  async fire(name, data) {
    const answer = await this.#post(name, data, { sys: { MethodName: name, UtcNow: "2026-03-10T05:16:23Z", RandGuid: randomUUID() } });
    return { succeeded: answer.ok, text: await answer.text() };
  }

  #route(method, path) {
    for (const { name, trigger, output } of this.functions.filter(({ trigger }) => trigger.type === "httpTrigger")) {
      const pattern = trigger.route.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
      const match = new RegExp(`^/${this.prefix}/${pattern}$`, "i").exec(path);
      if (match && trigger.methods.includes(method.toLowerCase())) {
        return { name, trigger, output, params: { ...match.groups } };
      }
    }
  }

  /** The connection is passed on as it is. */
  #proxy(incoming, outgoing) {
    const { url: path, method, headers } = incoming;
    const passed = httpRequest({ host: "127.0.0.1", port: this.port, path, method, headers: { ...headers, ...hostHeaders() } });
    passed.on("response", (answer) => answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers)));
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  }

  /** A new request is made of the caller's. */
  async #forward({ url, method, headers }, body, outgoing) {
    const { host, connection, "content-length": length, ...kept } = headers;
    const answer = await fetch(`http://127.0.0.1:${this.port}${url}`, {
      method,
      headers: { ...kept, ...hostHeaders() },
      body: body.length === 0 ? undefined : body,
    });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  }

  /** The request is data of an invocation. */
  async #envelop({ name, trigger, output, params }, { url, method, headers }, body, outgoing) {
    const { searchParams } = new URL(url, "http://host");
    const data = {
      Url: `http://${headers.host}${url}`,
      Method: method,
      Query: searchParams.size === 0 ? "{}" : JSON.stringify(Object.fromEntries(searchParams)),
      Headers: Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, [value].flat()])),
      Params: params,
      Identities: "[]",
      ...(body.length === 0 ? {} : { Body: body.toString() }),
    };
    const answer = await this.#post(name, { [trigger.name]: data }, { ...params, sys: { MethodName: name } });
    if (!answer.ok) {
      return outgoing.writeHead(500).end(await answer.text());
    }
    const { Outputs, Logs, ReturnValue } = await answer.json();
    const result = unwrapped(Outputs[output.name]);
    const complete = ["statusCode", "status", "body", "headers"].every((member) => member in result);
    if (!complete || !Array.isArray(Logs) || ReturnValue === undefined) {
      return outgoing.writeHead(500).end("the outcome is not complete");
    }
    outgoing.writeHead(Number(result.statusCode), result.headers).end(unwrapped(result.body));
  }

  #post(name, data, metadata) {
    return fetch(`http://127.0.0.1:${this.port}/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", ...hostHeaders() },
      body: JSON.stringify({ Data: data, Metadata: metadata }),
    });
  }
}

function hostHeaders() {
  return { "x-azure-functions-invocationid": randomUUID(), "x-azure-functions-hostversion": "4.1046.0.0" };
}

/** The host takes every text that can be base64 for base64. */
function unwrapped(value) {
  const isBase64 = typeof value === "string" && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
  return isBase64 ? Buffer.from(value, "base64") : value;
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
