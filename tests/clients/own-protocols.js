// Hub protocols for stock clients that no library has. Both have the messages of JSON, in other frames.
import { TransferFormat } from "@microsoft/signalr";

const LENGTH_BYTES = 4;

/** A text protocol with a line feed after each message. */
export class LinesProtocol {
  name = "lines";
  version = 1;
  transferFormat = TransferFormat.Text;

  parseMessages(input) {
    if (typeof input !== "string") {
      throw new Error("a protocol of text gets bytes");
    }
    return input.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  writeMessage(message) {
    return `${JSON.stringify(message)}\n`;
  }
}

/** A binary protocol with the length before each message. */
export class LengthsProtocol {
  name = "lengths";
  version = 1;
  transferFormat = TransferFormat.Binary;

  parseMessages(input) {
    if (typeof input === "string") {
      throw new Error("a binary protocol gets text");
    }
    let rest = Buffer.from(input);
    const messages = [];
    while (rest.length > 0) {
      const end = LENGTH_BYTES + rest.readUInt32BE();
      messages.push(JSON.parse(rest.subarray(LENGTH_BYTES, end).toString()));
      rest = rest.subarray(end);
    }
    return messages;
  }

  writeMessage(message) {
    const text = Buffer.from(JSON.stringify(message));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(text.length);
    return new Uint8Array(Buffer.concat([length, text])).buffer;
  }
}
