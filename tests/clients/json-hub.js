// A small SignalR hub, for one protocol and transport: JSON over WebSockets. Its method `broadcast` sends the
// arguments to the method `bench` of every client. The hub counts the messages that it sends.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const SEPARATOR = "\u001e";
const TRANSPORTS = [{ transport: "WebSockets", transferFormats: ["Text"] }];

/** Starts a hub. With `disorder` it loses or repeats messages on purpose. */
export async function startHub({ disorder = () => 1 } = {}) {
  const hub = new Hub(disorder);
  await new Promise((resolve) => hub.server.listen(0, "127.0.0.1", resolve));
  return hub;
}

class Hub {
  #clients = new Set();
  #negotiations = 0;
  /** How many invocations it sent to clients. */
  sent = 0;
  /** How often its method was called. */
  calls = 0;

  constructor(disorder) {
    this.disorder = disorder;
    this.server = createServer((request, response) => this.#negotiate(request, response));
    this.sockets = new WebSocketServer({ server: this.server });
    this.sockets.on("connection", (socket) => this.#serve(socket));
    this.pings = setInterval(() => this.#toAll({ type: 6 }), 10_000);
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}/hub`;
  }

  get connected() {
    return this.#clients.size;
  }

  #negotiate(request, response) {
    if (request.method !== "POST" || !request.url.startsWith("/hub/negotiate")) {
      response.writeHead(404).end();
      return;
    }
    this.#negotiations += 1;
    const id = `client-${this.#negotiations}`;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ negotiateVersion: 1, connectionId: id, connectionToken: id, availableTransports: TRANSPORTS }));
  }

  #serve(socket) {
    let hasShakenHands = false;
    socket.on("message", (data) => {
      for (const record of data.toString().split(SEPARATOR).filter(Boolean)) {
        if (hasShakenHands) {
          this.#take(socket, JSON.parse(record));
        } else {
          hasShakenHands = true;
          this.#clients.add(socket);
          socket.send(`{}${SEPARATOR}`);
        }
      }
    });
    socket.on("close", () => this.#clients.delete(socket));
  }

  #take(socket, message) {
    if (message.type === 1 && message.target === "broadcast") {
      this.calls += 1;
      const call = { type: 1, target: "bench", arguments: message.arguments };
      for (let times = this.disorder(this.calls); times > 0; times -= 1) {
        this.sent += this.#toAll(call);
      }
    } else if (message.type === 7) {
      socket.close();
    }
  }

  #toAll(message) {
    const text = JSON.stringify(message) + SEPARATOR;
    for (const client of this.#clients) {
      client.send(text);
    }
    return this.#clients.size;
  }

  async stop() {
    clearInterval(this.pings);
    for (const socket of this.sockets.clients) {
      socket.terminate();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }
}
