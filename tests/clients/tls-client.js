// Stock clients over TLS, in a separate process, because Node reads NODE_EXTRA_CA_CERTS at its start.
// Arguments: the service's URL, its connection string. Prints what each transport received, as JSON.
import { connectDirectly, stopAll } from "./client.js";
import { rest } from "./service.js";

const [service, connectionString] = process.argv.slice(2);
const system = { service, connectionString };

const clients = [];
for (const transport of ["WebSockets", "ServerSentEvents", "LongPolling"]) {
  for (const protocol of transport === "ServerSentEvents" ? ["json"] : ["json", "messagepack"]) {
    clients.push(await connectDirectly(system, { transport, protocol }));
  }
}
const texts = ["first", "x".repeat(100_000), "last"];
for (const text of texts) {
  const body = { target: "newMessage", arguments: [text] };
  const { status } = await rest(system, "POST", "hubs/chat/:send", { body });
  if (status !== 202) {
    throw new Error(`the broadcast got ${status}`);
  }
}
const received = [];
for (const client of clients) {
  const messages = await client.received(texts.length);
  received.push({ transport: client.wire.transport, lengths: messages.map(([text]) => text.length) });
}
console.log(JSON.stringify(received));
await stopAll(...clients);
