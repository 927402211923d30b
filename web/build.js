// Puts the pages and the stock SignalR client into dist/, the folder that the signalr command serves.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const dist = join(web, "dist");
const client = join(web, "node_modules/@microsoft/signalr");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
cpSync(join(web, "chat"), dist, { recursive: true });
cpSync(join(web, "colours.css"), join(dist, "colours.css"));

// The minified file has no name, version or licence in it, so a first line adds them.
const { name, version, author, license } = JSON.parse(readFileSync(join(client, "package.json"), "utf8"));
const code = readFileSync(join(client, "dist/browser/signalr.min.js"), "utf8");
writeFileSync(join(dist, "signalr.min.js"), `/*! ${name} ${version}, ${author}, ${license} */\n${code}`);
