// A collector of OpenTelemetry that remembers its spans, and a collector that never answers.
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const Request = protobuf
  .loadSync(fileURLToPath(new URL("schemas/otlp.proto", import.meta.url)))
  .lookupType("ExportTraceServiceRequest");

/** Starts a collector: `{ url, spans, headers, span(is), spanNamed(name, trace) }`. */
export async function startCollector(t) {
  const [spans, headers, arrivals] = [[], [], new EventTarget()];
  const url = await listen(t, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    headers.push(request.headers);
    spans.push(...read(Buffer.concat(chunks)));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    arrivals.dispatchEvent(new Event("spans"));
  });
  /** Waits for a span for which `is` is true. */
  const span = async (is) => {
    for (;;) {
      const found = spans.find(is);
      if (found) {
        return found;
      }
      await new Promise((resolve) => arrivals.addEventListener("spans", resolve, { once: true }));
    }
  };
  /** Waits for a span of this name in this trace. */
  const spanNamed = (name, trace) => span((one) => one.name === name && one.trace === trace);
  return { url, spans, headers, span, spanNamed };
}

/** A collector that accepts requests and never answers: `{ url, asked }`. */
export async function startSilentCollector(t) {
  let tell;
  const asked = new Promise((resolve) => (tell = resolve));
  return { url: await listen(t, () => tell()), asked };
}

async function listen(t, answer) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

function read(bytes) {
  const request = Request.toObject(Request.decode(bytes), { bytes: Buffer, longs: Number });
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => plain(span, valuesOf(resource?.attributes)))),
  );
}

function plain({ traceId, spanId, parentSpanId, name, kind, attributes }, resource) {
  const [trace, id, parent] = [traceId, spanId, parentSpanId].map((bytes) => bytes?.toString("hex"));
  return { trace, id, parent, name, kind, attributes: valuesOf(attributes), service: resource["service.name"] };
}

function valuesOf(attributes = []) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}
