// Ports of this machine.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A port on which no program listens. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until a program listens on the port. Fails if `isThere` says that the program has ended, or after `patience` ms. */
export async function listening(port, isThere = () => true, patience = 300_000) {
  const end = Date.now() + patience;
  while (isThere() && Date.now() < end) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    if (isOpen) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`nobody listens on port ${port}`);
}
