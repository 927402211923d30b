// A negotiate endpoint as people write it for Node: `http` and the package `jsonwebtoken`.
import { createServer } from "node:http";
import jsonwebtoken from "jsonwebtoken";
import { announce } from "./publishing.js";

const ENDPOINT = "https://x.service.signalr.net";
const HUB = "chat";
const LIFETIME_SECONDS = 3600;
const key = process.env.ACCESS_KEY;

const server = createServer((request, response) => {
  request.resume();
  const url = `${ENDPOINT}/client/?hub=${HUB}`;
  const accessToken = jsonwebtoken.sign({}, key, { audience: url, expiresIn: LIFETIME_SECONDS });
  const body = JSON.stringify({ url, accessToken });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
});
announce(server, "/api/negotiate");
