// The ways to reach the service, and a record of what a client received.
import { DefaultHttpClient, NullLogger } from "@microsoft/signalr";
import EventSource from "eventsource";
import { WebSocket } from "ws";

/** Every transport with every protocol that it carries: MessagePack is binary, and Server-Sent Events are text. */
export const WAYS = [
  { transport: "WebSockets", protocol: "json" },
  { transport: "WebSockets", protocol: "messagepack" },
  { transport: "ServerSentEvents", protocol: "json" },
  { transport: "LongPolling", protocol: "json" },
  { transport: "LongPolling", protocol: "messagepack" },
];

/** Records what a stock client gets. */
export class Wire {
  /** Each WebSocket message, event or answer to a poll, unchanged. */
  frames = [];
  /** The transport that was opened last. */
  transport;
  /** The answer to the last negotiation. */
  negotiation;

  /** The options of `withUrl` with which a client uses this record. */
  get options() {
    const wire = this;
    class RecordingSocket extends WebSocket {
      constructor(...args) {
        super(...args);
        this.on("open", () => (wire.transport = "WebSockets"));
        this.on("message", (data) => wire.frames.push(Buffer.from(data)));
      }
    }
    class RecordingEventSource extends EventSource {
      emit(type, event) {
        if (type === "open") {
          wire.transport = "ServerSentEvents";
        } else if (type === "message") {
          wire.frames.push(Buffer.from(event.data));
        }
        return super.emit(type, event);
      }
    }
    class RecordingHttpClient extends DefaultHttpClient {
      async send(request) {
        const response = await super.send(request);
        if (/\/negotiate\?/.test(request.url)) {
          wire.negotiation = JSON.parse(response.content);
        } else if (request.method === "GET") {
          wire.transport = "LongPolling";
          wire.frames.push(Buffer.from(response.content));
        }
        return response;
      }
    }
    return {
      WebSocket: RecordingSocket,
      EventSource: RecordingEventSource,
      httpClient: new RecordingHttpClient(NullLogger.instance),
    };
  }
}
