// Finds words that are hard to read for people whose second language is English, in all pages for readers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pages, read } from "./blocks.js";

const PLAIN = [
  [/\bwhence\b/i, "where … from"],
  [/\bwhomever\b|\bwhoever\b/i, "the caller, the user, everyone who"],
  [/\bone's own\b/i, "your own"],
  [/\bbut (for|under|with)\b/i, "except"],
  [/\bnothing but\b/i, "only"],
  [/\bgoes on on\b/i, "continues on"],
  [/\bcomes? about\b|\bcame about\b/i, "happen, open"],
  [/^\W*Who [a-z]+s\b(?!.*\?)/m, "a noun, such as: a client that"],
];

for (const page of [...pages(), "ARCHITECTURE.md", "shared/README.md"]) {
  test(page, () => {
    const found = read(page)
      .split("\n")
      .flatMap((line, index) => PLAIN.filter(([word]) => word.test(line)).map(([word, instead]) => `${index + 1}: '${word.exec(line)[0]}'; write: ${instead}`));
    assert.deepEqual(found, []);
  });
}
