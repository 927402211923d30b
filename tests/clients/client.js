// Stock SignalR clients that remember what they got, and the functions' calls beside them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { WebSocket } from "ws";

const RECORD_SEPARATOR = "\u001e";

/** Connects a client to the hub through the negotiate function, as the user where one is named. */
export async function connect(system, { user, hub = "chat" } = {}) {
  const query = user === undefined ? "" : `?user=${encodeURIComponent(user)}`;
  const client = new Client(system, hub, `${new URL(system.page).origin}/api/${hub}${query}`);
  await client.connection.start();
  return client;
}

class Client {
  #arrived = new EventEmitter();
  /** How many messages were there when a mark came. */
  #marks = new Map();

  constructor(system, hub, url) {
    const frames = [];
    class RecordingSocket extends WebSocket {
      constructor(...args) {
        super(...args);
        this.on("message", (data) => frames.push(data.toString()));
      }
    }
    this.system = system;
    this.hub = hub;
    /** The arguments of each `newMessage`, in the order of arrival. */
    this.messages = [];
    /** The text of each WebSocket message, as it came. */
    this.frames = frames;
    this.connection = new HubConnectionBuilder()
      .withUrl(url, { WebSocket: RecordingSocket })
      .configureLogging(LogLevel.None)
      .build();
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

  /** The raw hub message, up to the separator, that has the text in it. */
  rawMessage(text) {
    return this.frames.flatMap((frame) => frame.split(RECORD_SEPARATOR)).find((message) => message.includes(text));
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
