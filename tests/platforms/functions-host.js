// Imitates the host of Azure Functions for custom handlers. It starts the packaged executable, waits until it
// answers, and forwards calls in each of the host's three modes.
// Sources: learn.microsoft.com/azure/azure-functions/functions-custom-handlers and the host's public issues. For the
// handling of paths: Kestrel's PathNormalizer, RouteParameterParser of ASP.NET, and of Azure/azure-functions-host
// DefaultHttpProxyService (with EncodePath of YARP), DefaultHttpWorkerService and HttpRequestExtensions.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { freePort, listening } from "../clients/ports.js";
import { start } from "./programs.js";

export const HOST_KEY = "the-host-key";
export const MODES = ["proxying", "forwarding", "envelope"];

/** The characters that are encoded in a path. */
const NO_PATH_CHARACTER = /[^\w\-.~!$&'()*+,;=:@/]/gu;

/** Starts the package in the folder, in one of the modes. */
export async function startHost(folder, mode, env) {
  const port = await freePort();
  const settings = JSON.parse(readFileSync(join(folder, "host.json")));
  const executable = join(folder, settings.customHandler.description.defaultExecutablePath);
  const app = start(executable, [], { cwd: folder, env: { ...env, FUNCTIONS_CUSTOMHANDLER_PORT: String(port) } });
  await Promise.race([listening(port), app.ended.then(() => app.said(/$^/))]);
  const ready = await fetch(`http://127.0.0.1:${port}/`);

  const host = new Host(port, mode, functionsIn(folder, settings.extensions.http.routePrefix));
  const server = createServer((incoming, outgoing) => {
    host.serve(incoming, outgoing).catch((error) => outgoing.writeHead(500).end(String(error)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ready: ready.status,
    url: `http://127.0.0.1:${server.address().port}`,
    /** The address where the app listens, which only the host should call. */
    behind: `http://127.0.0.1:${port}`,
    /** Fires a trigger that is not HTTP. Returns whether the function succeeded. */
    fire: (name, data) => host.fire(name, data),
    async stop() {
      server.closeAllConnections();
      server.close();
      return app.stop();
    },
  };
}

function functionsIn(folder, prefix) {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const { bindings } = JSON.parse(readFileSync(join(folder, name, "function.json")));
    const trigger = bindings.find((binding) => /trigger$/i.test(binding.type));
    const output = bindings.find((binding) => binding.type === "http");
    return { name, trigger, output, ...(trigger.route && template(`${prefix}/${trigger.route}`)) };
  });
}

/** The pattern of the paths of a route, and the patterns of its parameters: `{name}` or `{name:regex(…)}`. */
function template(route) {
  const constraints = {};
  const pattern = route.replaceAll(/\{(\w+)(?::regex\((.*?)\))?\}/g, (_, name, regex) => {
    constraints[name] = regexOfNet(regex ?? "");
    return `(?<${name}>[^/]+)`;
  });
  if (pattern.includes("{")) {
    throw new Error(`this host does not know all of the route ${route}`);
  }
  return { pattern: new RegExp(`^/${pattern}/?$`, "i"), constraints };
}

/** In .NET `\w` matches letters of all scripts, and `$` also matches before a final line break. */
function regexOfNet(pattern) {
  return new RegExp(pattern.replaceAll("\\w", "[\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}]").replaceAll("$", () => "\\n?$"), "iu");
}

class Host {
  constructor(port, mode, functions) {
    Object.assign(this, { port, mode, functions });
  }

  async serve(incoming, outgoing) {
    const [, target, query] = /^([^?]*)(.*)$/s.exec(incoming.url);
    const path = decoded(target);
    const found = this.#route(incoming.method, path);
    if (!found) {
      return outgoing.writeHead(404).end();
    }
    const key = incoming.headers["x-functions-key"] ?? new URLSearchParams(query).get("code");
    if (found.trigger.authLevel !== "anonymous" && key !== HOST_KEY) {
      return outgoing.writeHead(401).end();
    }
    if (this.mode === "proxying") {
      return this.#proxy(incoming, path, query, outgoing);
    }
    const body = await readAll(incoming);
    return this.mode === "forwarding"
      ? this.#forward(incoming, path, query, body, outgoing)
      : this.#envelop(found, incoming, path, query, body, outgoing);
  }

  async fire(name, data) {
    const answer = await this.#post(name, data, { sys: { MethodName: name, UtcNow: "2026-03-10T05:16:23Z", RandGuid: randomUUID() } });
    return { succeeded: answer.ok, text: await answer.text() };
  }

  #route(method, path) {
    for (const found of this.functions.filter(({ trigger }) => trigger.type === "httpTrigger")) {
      const match = found.pattern.exec(path);
      const params = { ...match?.groups };
      const fits = match && Object.entries(params).every(([name, value]) => found.constraints[name].test(value));
      if (fits && found.trigger.methods.includes(method.toLowerCase())) {
        return { ...found, params };
      }
    }
  }

  /** Forwards the request unchanged, except that the path is encoded again. */
  #proxy(incoming, path, query, outgoing) {
    const { method, headers } = incoming;
    const target = path.replaceAll(NO_PATH_CHARACTER, encodeURIComponent) + query;
    const passed = httpRequest({ host: "127.0.0.1", port: this.port, path: target, method, headers: { ...headers, ...hostHeaders() } });
    passed.on("response", (answer) => answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers)));
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  }

  /** Makes a new request from the caller's. Its path is decoded again, although it is decoded already. */
  async #forward({ method, headers }, path, query, body, outgoing) {
    const { host, connection, "content-length": length, ...kept } = headers;
    const target = new URL(`http://127.0.0.1:${this.port}${path.replaceAll(/\s/g, encodeURIComponent)}`);
    target.hash = "";
    target.search = new URLSearchParams(joined(query));
    const answer = await fetch(target, {
      method,
      headers: { ...kept, ...hostHeaders() },
      body: body.length === 0 ? undefined : body,
    });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  }

  /** Makes the request a part of an invocation's data. Its path is encoded again, except parts that may be encoded already. */
  async #envelop({ name, trigger, output, params }, { method, headers }, path, query, body, outgoing) {
    const encoded = path.replaceAll(/(%[0-9a-f]{2})|./gisu, (all, already) => already ?? all.replace(NO_PATH_CHARACTER, encodeURIComponent));
    const data = {
      Url: `http://${headers.host}${encoded}${query}`,
      Method: method,
      Query: JSON.stringify(joined(query)),
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

/** Decodes a path once, except slashes. Then removes `.` and `..`. */
function decoded(path) {
  const text = path.replaceAll(/(%(?!2f)[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
  const segments = [];
  for (const segment of text.split("/").slice(1)) {
    if (segment === "..") {
      segments.pop();
    } else if (segment !== ".") {
      segments.push(segment);
    }
  }
  return `/${segments.join("/")}`;
}

/** The parameters of a query by name. The values of one parameter are separated by commas. */
function joined(query) {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...parameters.keys()].map((name) => [name, parameters.getAll(name).join(",")]));
}

function hostHeaders() {
  return { "x-azure-functions-invocationid": randomUUID(), "x-azure-functions-hostversion": "4.1046.0.0" };
}

/** The host treats every text that can be base64 as base64. */
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
