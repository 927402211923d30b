// A network between clients and the service that can be cut.
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Listens on a free port and forwards everything to the service. */
export async function startCutter(service) {
  const target = new URL(service);
  const links = new Set();
  const held = [];
  let isHeld = false;
  let cuts = 0;

  const pass = (client) => {
    const server = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    const link = new Link(client, server, () => (cuts += 1));
    links.add(link);
    link.ended.then(() => links.delete(link));
  };
  const listener = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    client.on("error", () => {});
    if (isHeld) {
      held.push(client);
    } else {
      pass(client);
    }
  });
  listener.listen(0, "localhost");
  await once(listener, "listening");

  return {
    url: `http://localhost:${listener.address().port}`,
    /** How many connections were cut. */
    get cuts() {
      return cuts;
    },
    /** Cuts every connection now. Bytes on the way are lost. */
    cut() {
      links.forEach((link) => link.cut());
    },
    /** Cuts every connection in the middle of the next bytes that the service sends. */
    cutInTheMiddle() {
      links.forEach((link) => link.cutInTheMiddle());
    },
    /** Cuts every connection, and keeps the new ones waiting. */
    hold() {
      isHeld = true;
      this.cut();
    },
    /** Connects the waiting connections. */
    release() {
      isHeld = false;
      held.splice(0).forEach(pass);
    },
    stop() {
      held.forEach((client) => client.destroy());
      links.forEach((link) => link.cut());
      listener.close();
    },
  };
}

/** One connection of a client, and the connection to the service that it is forwarded to. */
class Link {
  #isToBeCut = false;
  #isCut = false;

  constructor(client, server, onCut) {
    this.client = client;
    this.server = server;
    this.onCut = onCut;
    // A broken socket is closed too, and the close ends the connection. So the error needs no handler.
    const closed = (socket) => new Promise((resolve) => socket.once("close", resolve));
    this.ended = Promise.all([closed(client), closed(server)]);
    client.on("error", () => {}).on("close", () => server.destroy());
    server.on("error", () => {}).on("close", () => client.destroy());
    client.pipe(server);
    server.on("data", (data) => {
      if (this.#isToBeCut) {
        client.write(data.subarray(0, data.length / 2), () => this.cut());
      } else if (!client.write(data)) {
        server.pause();
        client.once("drain", () => server.resume());
      }
    });
  }

  cut() {
    if (!this.#isCut) {
      this.#isCut = true;
      this.client.destroy();
      this.server.destroy();
      this.onCut();
    }
  }

  cutInTheMiddle() {
    this.#isToBeCut = true;
  }
}
