// Stock SignalR clients that remember what they got, and the functions' calls beside them.
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
 * Connects a client to the hub through the negotiate function, as the user where one is named.
 *
 * - `url` is in place of the negotiate function's.
 * - `transport` names the only one to use, and `protocol` is JSON where none is named.
 * - `http` has further options of `withUrl`.
 * - `adapt` gets the builder before it builds.
 */
export async function connect(system, options = {}) {
  const client = new Client(system, options);
  await client.connection.start();
  return client;
}

/** Connects a client to the service itself, with a token that the test signs. `at` is where the client finds it. */
export function connectDirectly(system, { at = system.service, user, hub = "chat", http, ...options } = {}) {
  const url = clientUrl({ service: at }, hub);
  const accessTokenFactory = () => sign(system, { aud: url, ...(user && { "asrs.s.uid": user }) });
  return connect(system, { url, hub, http: { accessTokenFactory, ...http }, ...options });
}

/** Where clients of the hub negotiate. */
function negotiateUrl(system, hub, user) {
  const query = user === undefined ? "" : `?user=${encodeURIComponent(user)}`;
  return `${new URL(system.page).origin}/api/${hub}${query}`;
}

class Client {
  #arrived = new EventEmitter();
  /** How many messages were there when a mark came. */
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

  /** Waits until that many messages are there, and gives all. */
  async received(count) {
    while (this.messages.length < count) {
      await once(this.#arrived, "message");
    }
    return this.messages;
  }

  /**
   * All that arrived of what was sent before this call. A last broadcast marks the end: messages
   * keep their order, so what has not come by then never will.
   */
  async allReceived() {
    const mark = randomUUID();
    assert.equal((await broadcast(this.system, { target: "mark", arguments: [mark] }, this.hub)).status, 202);
    while (!this.#marks.has(mark)) {
      await once(this.#arrived, "message");
    }
    return this.messages.slice(0, this.#marks.get(mark));
  }

  /** The raw JSON hub message, up to the separator, that has the text in it. */
  rawMessage(text) {
    const messages = this.wire.frames.flatMap((frame) => frame.toString().split(RECORD_SEPARATOR));
    return messages.find((message) => message.includes(text));
  }

  stop() {
    return this.connection.stop();
  }
}

/** Calls broadcast; the body is an object, or text that goes out as it is. */
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

/** Stops all that were connected. */
export function stopAll(...clients) {
  return Promise.all(clients.map((client) => client.stop()));
}
