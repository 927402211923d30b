// Every link in the documentation leads to an existing page and heading, and the book has every page.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { ROOT, pages, read } from "./blocks.js";

const OTHERS = ["ARCHITECTURE.md", "CHANGELOG.md", "bench/README.md", "shared/README.md"];

for (const page of [...pages(), ...OTHERS]) {
  test(page, () => {
    const broken = linksIn(read(page)).filter((link) => !leadsSomewhere(page, link));
    assert.deepEqual(broken, []);
  });
}

test("the book has every page once", () => {
  const listed = linksIn(read("docs/SUMMARY.md")).map((link) => `docs/${link}`);
  const written = pages().filter((page) => page.startsWith("docs/") && page !== "docs/SUMMARY.md");
  assert.deepEqual(listed.sort(), written.sort());
});

test("a page of the book links to other pages of the book only", () => {
  for (const page of pages().filter((name) => name.startsWith("docs/"))) {
    const outside = linksIn(read(page)).filter((link) => /^[^#:]+$/.test(link) && !target(page, link).startsWith("docs/"));
    assert.deepEqual(outside, [], page);
  }
});

function linksIn(text) {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
}

function leadsSomewhere(page, link) {
  if (/^[a-z]+:/.test(link)) {
    return true;
  }
  const [, anchor] = link.split("#");
  const path = target(page, link);
  return existsSync(join(ROOT, path)) && (anchor === undefined || headings(read(path)).has(anchor));
}

function target(page, link) {
  const [path] = link.split("#");
  return path === "" ? page : normalize(join(dirname(page), path));
}

/** Headings as both GitHub and mdBook name them. */
function headings(text) {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
  const names = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase());
  return new Set(names.map((title) => title.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
}
