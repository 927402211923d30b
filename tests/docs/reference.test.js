// The reference says what the code says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./blocks.js";
import { PARTS, withPart } from "./reference.js";

for (const { page, name, write } of PARTS) {
  test(`${page}: ${name}`, async () => {
    const text = read(page);
    assert.equal(text, withPart(text, name, await write()), "the page is out of date: run `make reference`");
  });
}
