// SignalR's handshake and a broadcast, with only the package `ws`.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { announce, publishing } from "./publishing.js";

const HANDSHAKE_ANSWER = "{}\u001e";
const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const clients = new Set();

server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.once("message", () => {
      client.send(HANDSHAKE_ANSWER);
      clients.add(client);
    });
    client.on("close", () => clients.delete(client));
  });
});
server.on("request", publishing((body) => {
  // The text is made once for all clients.
  const record = Buffer.from(`{"type":1,${body.slice(1)}\u001e`);
  for (const client of clients) {
    client.send(record, { binary: false });
  }
}));
announce(server, "/client");
