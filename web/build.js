// Puts the pages and the stock SignalR client into dist/, the folder that the signalr command serves.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const dist = join(web, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
cpSync(join(web, "chat"), dist, { recursive: true });
cpSync(
  join(web, "node_modules/@microsoft/signalr/dist/browser/signalr.min.js"),
  join(dist, "signalr.min.js"),
);
