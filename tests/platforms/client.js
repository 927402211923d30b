// A stock SignalR client that remembers its messages.
import { EventEmitter, once } from "node:events";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

/** Connects through a negotiate function. `url` is the part of its URL before `/negotiate`. */
export async function connect(url, options = {}) {
  const client = new Client(url, options);
  await client.connection.start();
  return client;
}

class Client {
  #arrived = new EventEmitter();

  constructor(url, options) {
    /** The first argument of each `newMessage`, in the order of arrival. */
    this.texts = [];
    this.connection = new HubConnectionBuilder().withUrl(url, options).configureLogging(LogLevel.None).build();
    this.connection.on("newMessage", (text) => {
      this.texts.push(text);
      this.#arrived.emit("text");
    });
  }

  /** Waits for the text. Returns all texts up to it that were not returned before. */
  async until(text) {
    while (!this.texts.includes(text)) {
      await once(this.#arrived, "text");
    }
    return this.texts.splice(0, this.texts.indexOf(text) + 1);
  }

  stop() {
    return this.connection.stop();
  }
}

/** The claims of a token, unchecked. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

/** The `newMessage` with this text. */
export function newMessage(text) {
  return { target: "newMessage", arguments: [text] };
}
