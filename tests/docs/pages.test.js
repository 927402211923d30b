// Runs each block of the documentation, page by page, in the order of a reader.
//
// How a block is run depends on its language and its marks:
//   sh              runs until it ends and must succeed
//   sh,background   starts a program that continues to run; if it is `signalr`, it must become ready
//   http, http,404  is sent; the answer must have a 2xx or that status
//   json            must parse; with `answer` the last answer must contain it, and … means any text
//   js              runs until its last line, and its connections stay; with `compiles` it is only parsed
//   nginx           is saved
//   text,prints     a started program prints these lines
//   properties      settings; functions/runtime/src/call/identity/tests/providers.rs logs in with each
//   file=NAME       the block is saved under that name in the folder of the page
//   rust            is compiled and run by `cargo test --doc -p signalr-docs`
//   cloud, packages is not run and is listed in not-run.txt
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { blocksOf, pages, read } from "./blocks.js";
import { Reader } from "./reader.js";

const NOT_RUN = ["cloud", "packages"];
const RUN = {
  sh: (reader, block) => (block.marks.has("background") ? reader.start(block.text) : reader.run(block.text)),
  http: (reader, block) => reader.send(block.text, Object.keys(Object.fromEntries(block.marks)).map(Number)[0]),
  json: (reader, block) => reader.compare(JSON.parse(block.text), block.marks.has("answer")),
  js: (reader, block) => (block.marks.has("compiles") ? reader.parse(block.text) : reader.runScript(block.text)),
  text: (reader, block) => block.marks.has("prints") && reader.waitFor(block.text),
  nginx: (_reader, block) => assert.ok(block.marks.has("file"), "an nginx block needs file=NAME"),
  rust: () => {},
  properties: (_reader, block) => block.text.trimEnd().split("\n").forEach((line) => assert.match(line, /^\w+=\S+$/)),
};

for (const page of pages()) {
  test(page, { concurrency: false }, async (t) => {
    const reader = await Reader.open();
    t.after(() => reader.close());
    for (const block of blocksOf(read(page))) {
      if (NOT_RUN.some((mark) => block.marks.has(mark))) {
        continue;
      }
      const first = block.text.split("\n")[0];
      await t.test(`line ${block.line}: ${block.language} ${first}`, async () => {
        const run = RUN[block.language] ?? assert.fail(`say in pages.test.js how '${block.language}' is run`);
        if (block.marks.has("file")) {
          await reader.save(block.marks.get("file"), block.text);
        }
        if (!block.marks.has("file") || block.language === "json") {
          await run(reader, block);
        }
      });
    }
  });
}

test("the blocks that are not run are those of not-run.txt", () => {
  const found = pages().flatMap((page) =>
    blocksOf(read(page)).flatMap((block) => {
      const mark = NOT_RUN.find((name) => block.marks.has(name));
      return mark === undefined ? [] : [`${mark} ${page}: ${block.text.split("\n")[0]}`];
    }),
  );
  const listed = readFileSync(new URL("not-run.txt", import.meta.url), "utf8").split("\n");
  assert.deepEqual(found, listed.filter((line) => line !== "" && !line.startsWith("#")));
});

test("each page with Rust blocks is compiled", () => {
  const compiled = readFileSync(new URL("src/lib.rs", import.meta.url), "utf8");
  for (const page of pages()) {
    if (blocksOf(read(page)).some((block) => block.language === "rust")) {
      assert.ok(compiled.includes(`"../../../${page}"`), `${page} is missing in tests/docs/src/lib.rs`);
    }
  }
});
