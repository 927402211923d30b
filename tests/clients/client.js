// Stock SignalR clients that remember their messages, and calls of the functions.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { HttpTransportType, HubConnectionBuilder, JsonHubProtocol, LogLevel } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { clientUrl, sign } from "./service.js";
import { Wire } from "./wire.js";

const RECORD_SEPARATOR = "\u001e";
const PROTOCOLS = { json: JsonHubProtocol, messagepack: MessagePackHubProtocol };

/**
 * Connects a client to the hub through the negotiate function, as the user if one is named.
 *
 * - `url` is used instead of the negotiate function's URL.
 * - `transport` is the only transport to use. `protocol` is JSON by default.
 * - `http` has further options of `withUrl`.
 * - `adapt` gets the builder before it builds.
 */
export async function connect(system, options = {}) {
  const client = new Client(system, options);
  await client.connection.start();
  return client;
}

/** Connects a client to the service itself, with a token that the test signs. `at` is the address of the service. */
export function connectDirectly(system, { at = system.service, user, hub = "chat", http, ...options } = {}) {
  const url = clientUrl({ service: at }, hub);
  const accessTokenFactory = () => sign(system, { aud: url, ...(user && { "asrs.s.uid": user }) });
  return connect(system, { url, hub, http: { accessTokenFactory, ...http }, ...options });
}

/** The URL where clients of the hub negotiate. */
function negotiateUrl(system, hub, user) {
  const query = user === undefined ? "" : `?user=${encodeURIComponent(user)}`;
  return `${new URL(system.page).origin}/api/${hub}${query}`;
}

class Client {
  #arrived = new EventEmitter();
  /** For each mark that came, the number of messages before it. */
  #marks = new Map();

  constructor(system, { user, hub = "chat", url, transport, protocol = "json", http = {}, adapt = (builder) => builder }) {
    this.system = system;
    this.hub = hub;
    /** The arguments of each `newMessage`, in the order of arrival. */
    this.messages = [];
    this.wire = new Wire();
    const builder = new HubConnectionBuilder()
      .withUrl(url ?? negotiateUrl(system, hub, user), {
        ...this.wire.options,
        ...(transport && { transport: HttpTransportType[transport] }),
        ...http,
      })
      .withHubProtocol(new PROTOCOLS[protocol]())
      .configureLogging(LogLevel.None);
    this.connection = adapt(builder).build();
    this.connection.on("newMessage", (...args) => {
      this.messages.push(args);
      this.#arrived.emit("message");
    });
    this.connection.on("mark", (mark) => {
      this.#marks.set(mark, this.messages.length);
      this.#arrived.emit("message");
    });
    /** Resolves with the error that the client gives when the connection has closed. */
    this.closed = new Promise((resolve) => this.connection.onclose(resolve));
    /** Resolves with the error when the client begins to reconnect for the first time. */
    this.reconnecting = new Promise((resolve) => this.connection.onreconnecting(resolve));
    /** Resolves with the new id when the client has reconnected for the first time. */
    this.reconnected = new Promise((resolve) => this.connection.onreconnected(resolve));
  }

  get id() {
    return this.connection.connectionId;
  }

  /** Waits until this many messages have arrived. Returns all messages. */
  async received(count) {
    while (this.messages.length < count) {
      await once(this.#arrived, "message");
    }
    return this.messages;
  }

  /**
   * All messages that arrived and were sent before this call. A last broadcast marks the end. Messages
   * keep their order, so a message that has not come before the mark is lost.
   */
  async allReceived() {
    const mark = randomUUID();
    assert.equal((await broadcast(this.system, { target: "mark", arguments: [mark] }, this.hub)).status, 202);
    while (!this.#marks.has(mark)) {
      await once(this.#arrived, "message");
    }
    return this.messages.slice(0, this.#marks.get(mark));
  }

  /** The raw JSON hub message that contains the text, up to the separator. */
  rawMessage(text) {
    const messages = this.wire.frames.flatMap((frame) => frame.toString().split(RECORD_SEPARATOR));
    return messages.find((message) => message.includes(text));
  }

  stop() {
    return this.connection.stop();
  }
}

/** Calls broadcast. The body is an object, or a text that is sent unchanged. */
export function broadcast(system, body, hub = "chat") {
  return post(system, `/api/${hub}/broadcast`, body);
}

/** Calls group-admin. */
export function groupAdmin(system, body, hub = "chat") {
  return post(system, `/api/${hub}/group-admin`, body);
}

async function post(system, path, body) {
  const response = await fetch(new URL(path, system.page), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, body: type.includes("json") ? JSON.parse(text) : text };
}

/** Stops all clients that were connected. */
export function stopAll(...clients) {
  return Promise.all(clients.map((client) => client.stop()));
}
