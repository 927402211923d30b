// One stay in a room: connects and joins. If the connection is lost, does both again, until `leave`.
/* global signalR */
import { joinRoom, mayCall, negotiateUrl, sendToRoom } from "./functions.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;

export class Room {
  #hub;
  #user;
  #name;
  #on;
  #mayCall = mayCall();
  #connection;
  #left = false;
  #failures = 0;
  #retry;

  /** `on` has `state(word)`, `message(argument)` and `problem(text)`. */
  constructor({ hub, user, name, on }) {
    this.#hub = hub;
    this.#user = user;
    this.#name = name;
    this.#on = on;
    this.#connection = new signalR.HubConnectionBuilder()
      .withUrl(negotiateUrl(hub, user))
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: (retry) => delay(retry.previousRetryCount) })
      .configureLogging(signalR.LogLevel.Warning)
      .build();
    this.#connection.on("newMessage", (argument) => on.message(argument));
    this.#connection.onreconnecting(() => on.state("reconnecting"));
    // After a reconnect the connection has a new id, and a group contains ids.
    this.#connection.onreconnected(() => this.#join());
    // If the service's close forbids a reconnect, the client does not reconnect by itself.
    this.#connection.onclose(() => this.#restart());
  }

  /** Connects and joins, and tries again until `leave`. */
  async enter() {
    this.#on.state(this.#failures === 0 ? "connecting" : "reconnecting");
    try {
      await this.#connection.start();
    } catch (error) {
      this.#restart(error);
      return;
    }
    await this.#join();
  }

  /** Sends a text to everybody in the room, including the sender. */
  async send(text) {
    if (await this.#mayCall) {
      await this.#connection.invoke("send", this.#user, this.#name, text);
    } else {
      await sendToRoom(this.#hub, this.#name, { from: this.#user, text, at: new Date().toISOString() });
    }
  }

  /** Disconnects, and does not connect again. */
  async leave() {
    this.#left = true;
    clearTimeout(this.#retry);
    await this.#connection.stop();
  }

  async #join() {
    try {
      await joinRoom(this.#hub, this.#name, this.#connection.connectionId);
    } catch (error) {
      if (!this.#left) {
        this.#on.problem(`could not join the room: ${error.message}`);
        // A connection outside the room is useless. After the stop, onclose connects again.
        await this.#connection.stop();
      }
      return;
    }
    this.#failures = 0;
    this.#on.state("connected");
  }

  #restart(error) {
    if (this.#left) {
      this.#on.state("disconnected");
      return;
    }
    if (error) {
      this.#on.problem(`could not connect: ${error.message}`);
    }
    this.#on.state("reconnecting");
    this.#retry = setTimeout(() => this.enter(), delay(this.#failures));
    this.#failures += 1;
  }
}

function delay(failures) {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
}
