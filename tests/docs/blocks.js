// The pages of the documentation and the blocks of code in them.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every page of the documentation, by its path from the root. The tests of packages run the README of the SDK. */
export function pages() {
  const found = readdirSync(join(ROOT, "docs"), { recursive: true }).filter((name) => name.endsWith(".md"));
  return ["README.md", ...found.map((name) => `docs/${name}`)].sort();
}

/** The text of a page. */
export function read(page) {
  return readFileSync(join(ROOT, page), "utf8");
}

/**
 * The blocks of a text: `{ line, language, marks, text }`. Marks follow the language with commas between,
 * such as `sh,background` or `js,file=client.mjs`.
 */
export function blocksOf(text) {
  const blocks = [];
  let open;
  text.split("\n").forEach((line, index) => {
    if (open === undefined) {
      const [, info] = /^```(.*)$/.exec(line) ?? [];
      if (info !== undefined) {
        const [language, ...marks] = info.split(",");
        const named = marks.map((mark) => mark.split("=", 2)).map(([name, value = true]) => [name, value]);
        open = { line: index + 1, language, marks: new Map(named), lines: [] };
      }
    } else if (line === "```") {
      const { lines, ...block } = open;
      blocks.push({ ...block, text: `${lines.join("\n")}\n` });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  });
  return blocks;
}

/** The path of a file from the root. */
export function fromRoot(path) {
  return relative(ROOT, path);
}
