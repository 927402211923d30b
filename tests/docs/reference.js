// The parts of the reference that are made from the code: the command's help, REST operations, error codes.
// `node tests/docs/reference.js` writes each part into its page, between its marks.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, read } from "./blocks.js";

const BINARY = process.env.SIGNALR_BIN ?? join(ROOT, "target/debug/signalr");

/** Each part: its page and the function that writes it. */
export const PARTS = [
  { page: "docs/reference/command.md", name: "help", write: help },
  { page: "docs/reference/rest.md", name: "operations", write: operations },
  { page: "docs/reference/errors.md", name: "codes", write: codes },
];

/** The text of the page with the new part in it. */
export function withPart(text, name, part) {
  const [begin, end] = [`<!-- begin ${name}: written by make reference -->`, `<!-- end ${name} -->`];
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (tail === undefined) {
    throw new Error(`the page lacks '${begin}' and '${end}'`);
  }
  return `${head}${begin}\n\n${part.trim()}\n\n${end}${tail}`;
}

function help() {
  const commands = [[], ...commandsIn(run(["--help"])).map((name) => [name])];
  const sections = commands.map((path) => {
    const text = run([...path, "--help"]).trimEnd().replace(/[ \t]+$/gm, "");
    return `## \`${["signalr", ...path].join(" ")}\`\n\n\`\`\`text\n${text}\n\`\`\``;
  });
  return sections.join("\n\n");
}

function commandsIn(text) {
  const list = /^Commands:\n((?: +.*\n)+)/m.exec(text)?.[1] ?? "";
  return [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name).filter((name) => name !== "help");
}

function run(args) {
  const { stdout, status, stderr } = spawnSync(BINARY, args, { encoding: "utf8", env: { PATH: process.env.PATH } });
  if (status !== 0) {
    throw new Error(`signalr ${args.join(" ")}: ${stderr}`);
  }
  return stdout;
}

async function operations() {
  const meanings = new Map(
    [...readFileSync(join(ROOT, "shared/src/operation.rs"), "utf8").matchAll(/\/\/\/ (.*)\.\n {4}(\w+), query/g)].map(
      ([, meaning, name]) => [name, meaning],
    ),
  );
  const { paths } = await description();
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses, parameters = [] }]) => {
      const name = operationId.split("_")[0];
      const query = parameters.filter((parameter) => parameter.in === "query" && parameter.name !== "api-version");
      const status = Object.keys(responses).find((code) => /^2/.test(code));
      const version = /^\/api\/(v1-preview|v1)\//.exec(path)?.[1] ?? "in the query";
      return { name, version, cells: [`\`${method.replace(/^x-/, "").toUpperCase()} ${path}\``, status, query.map((parameter) => `\`${parameter.name}\``).join(", ")] };
    }),
  );
  return [...meanings]
    .map(([name, meaning]) => {
      const own = rows.filter((row) => row.name === name).map(({ cells }) => `| ${cells.join(" | ")} |`);
      return own.length === 0 ? undefined : `### ${name}\n\n${meaning}.\n\n| request | status | query |\n|---|---|---|\n${own.join("\n")}`;
    })
    .filter(Boolean)
    .join("\n\n");
}

/** The OpenAPI description of the service. */
export async function description() {
  const service = spawn(BINARY, ["serve", "--port", "0"], { env: { PATH: process.env.PATH }, stdio: ["ignore", "pipe", "inherit"] });
  try {
    let printed = "";
    for await (const text of service.stdout.setEncoding("utf8")) {
      printed += text;
      if (/^ready$/m.test(printed)) {
        break;
      }
    }
    const url = /^service\s+(\S+)$/m.exec(printed)[1];
    return await (await fetch(`${url}/api/openapi.json`)).json();
  } finally {
    service.kill();
    if (service.exitCode === null && service.signalCode === null) {
      await once(service, "exit");
    }
  }
}

function codes() {
  const source = readFileSync(join(ROOT, "shared/src/error_code.rs"), "utf8");
  const found = [...source.matchAll(/((?:\/\/\/ .*\n)+)pub const \w+: &str = "(\w+\.[\w.]+)";/g)];
  const rows = found.map(([, doc, code]) => `| \`${code}\` | ${doc.replace(/\/\/\/ /g, "").trim().replace(/\n/g, " ")} |`);
  return `| code | meaning |\n|---|---|\n${rows.join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { page, name, write } of PARTS) {
    writeFileSync(join(ROOT, page), withPart(read(page), name, await write()));
  }
}
