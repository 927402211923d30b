// Receives messages to everybody in the hub, for a user who has not joined a room.
/* global signalR */
import { listenUrl } from "./functions.js";

const FIRST_RETRY_MS = 4000;
const LONGEST_RETRY_MS = 60_000;

export class Listener {
  #connection;
  #isStopped = false;
  #retry;
  #wait = FIRST_RETRY_MS;

  /** `message` gets the argument of each message. */
  constructor({ hub, message }) {
    this.#connection = new signalR.HubConnectionBuilder()
      .withUrl(listenUrl(hub))
      .configureLogging(signalR.LogLevel.None)
      .build();
    this.#connection.on("newMessage", message);
    this.#connection.onclose(() => this.#listenLater());
  }

  /** Connects, and tries again until `stop`. The user has not joined, so failures are not shown. */
  async listen() {
    try {
      await this.#connection.start();
      this.#wait = FIRST_RETRY_MS;
    } catch {
      this.#listenLater();
    }
  }

  /** Disconnects, and does not connect again. */
  async stop() {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    await this.#connection.stop();
  }

  #listenLater() {
    if (!this.#isStopped) {
      this.#retry = setTimeout(() => this.listen(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_RETRY_MS);
    }
  }
}
