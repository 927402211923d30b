// Checks that an output of the command has the shape that schemas/outputs.json promises.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import Ajv from "ajv";

const ajv = new Ajv.default({ strict: false });
ajv.addSchema(JSON.parse(readFileSync(new URL("outputs.json", import.meta.url), "utf8")));

/** Parses the output and checks its shape. */
export function parsed(shape, stdout) {
  const value = JSON.parse(stdout);
  const check = ajv.getSchema(`outputs#/$defs/${shape}`);
  assert.ok(check(value), `${shape}: ${stdout}: ${JSON.stringify(check.errors)}`);
  return value;
}
