// Shared by the servers in this folder: a POST that publishes, a free port, and two printed URLs.

/** A request listener that passes the body of each POST to `publish` and answers 202. */
export function publishing(publish) {
  return (request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      publish(Buffer.concat(parts).toString());
      response.writeHead(202, { "content-length": 0 }).end();
    });
  };
}

/** Listens on a free port. Prints the URL where clients connect and the URL where messages are posted. */
export function announce(server, path) {
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    console.log(`clients  http://127.0.0.1:${port}${path}`);
    console.log(`publish  http://127.0.0.1:${port}/publish`);
    console.log("ready");
  });
}
