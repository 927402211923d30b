// A broadcast with the package `socket.io`, over WebSocket only.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { announce, publishing } from "./publishing.js";

const server = createServer();
const sockets = new Server(server, { transports: ["websocket"], perMessageDeflate: false, pingInterval: 300_000, serveClient: false });

server.on("request", (request, response) => {
  if (request.url === "/publish") {
    publishing((body) => {
      const { target, arguments: values } = JSON.parse(body);
      sockets.emit(target, ...values);
    })(request, response);
  }
});
announce(server, "/socket.io/?EIO=4&transport=websocket");
