// The other parts of a release: the workflow, the crates, the scripts. Also the other templates.
import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ROOT, run, start } from "../platforms/programs.js";
import { STATIC_BINARY } from "./packages.js";

const tool = (name) => fileURLToPath(new URL(`.venv/bin/${name}`, import.meta.url));
const read = (path) => readFileSync(`${ROOT}${path}`, "utf8");
const folder = mkdtempSync(join(tmpdir(), "signalr-release-"));
after(() => rmSync(folder, { recursive: true }));
const [, VERSION] = /^version = "(.+)"$/m.exec(read("Cargo.toml"));

test("the workflows are valid, and what they run is there", async () => {
  for (const name of readdirSync(`${ROOT}.github/workflows`)) {
    const file = `.github/workflows/${name}`;
    const { code, stdout } = await run(tool("check-jsonschema"), ["--builtin-schema", "vendor.github-workflows", file]);
    assert.equal(code, 0, stdout);
    for (const [script] of read(file).matchAll(/packaging\/release\/[\w-]+/g)) {
      assert.ok(readFileSync(`${ROOT}${script}`), script);
    }
  }
});

test("a tag that is not the workspace's version is refused", async () => {
  const { code, stderr } = await run(`${ROOT}packaging/release/check-version`, ["v99.0.0"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`v99\\.0\\.0[^]*${VERSION.replaceAll(".", "\\.")}`));
});

test("the notes of a version are its part of the changelog", async () => {
  const { code, stdout } = await run(`${ROOT}packaging/release/notes`, ["vUnreleased"]);
  assert.equal(code, 0);
  assert.ok(read("CHANGELOG.md").includes(stdout.trim()));
  const absent = await run(`${ROOT}packaging/release/notes`, ["v99.0.0"]);
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /CHANGELOG\.md[^]*99\.0\.0/);
});

test("Terraform's files parse, and set only variables that the functions know", async () => {
  const files = readdirSync(`${ROOT}packaging/terraform`).filter((name) => name.endsWith(".tf"));
  for (const name of files) {
    const { code, stderr } = await run(tool("hcl2tojson"), [`packaging/terraform/${name}`]);
    assert.equal(code, 0, stderr);
  }
  assertKnown(read("packaging/terraform/main.tf").match(/\b(?:[A-Z]{2,}_)+[A-Z]+(?= +=)/g));
});

test("Bicep's file sets only variables that the functions or their host know", () => {
  const names = [...read("packaging/bicep/function-app.bicep").matchAll(/name: '([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, name]) => name);
  assertKnown(names.filter((name) => !["FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME"].includes(name)));
});

function assertKnown(names) {
  const known = [...read("functions/runtime/src/config/variable.rs").matchAll(/^ +[A-Z_]+ = "(\w+)",$/gm)].map(([, name]) => name);
  assert.ok(names.length > 1, names.join());
  assert.deepEqual(names.filter((name) => !known.includes(name)), []);
}

/** The SDK and the crates that it builds on. */
const CRATES = { "signalr-serverless": "shared", "signalr-http-client": "http-client", "signalr-signing-keys": "signing-keys", "signalr-small-file": "small-file" };

test("the SDK as a package, unpacked elsewhere, builds, and its README's examples run", async (t) => {
  const packages = Object.keys(CRATES).flatMap((name) => ["--package", name]);
  const packed = await run("cargo", ["package", "--locked", "--allow-dirty", "--no-verify", ...packages]);
  assert.equal(packed.code, 0, packed.stderr);
  for (const name of Object.keys(CRATES)) {
    const unpacked = await run("tar", ["-xzf", `${ROOT}target/package/${name}-${VERSION}.crate`, "-C", folder]);
    assert.equal(unpacked.code, 0, unpacked.stderr);
  }
  const examples = [...readFileSync(join(folder, `signalr-serverless-${VERSION}`, "README.md"), "utf8").matchAll(/^```rust\n(.*?)^```$/gms)];
  assert.equal(examples.length, 3);
  const project = join(folder, "project");
  mkdirSync(join(project, "src/bin"), { recursive: true });
  examples.forEach(([, code], index) => writeFileSync(join(project, `src/bin/example${index}.rs`), code));
  const patches = Object.keys(CRATES).map((name) => `${name} = { path = "../${name}-${VERSION}" }`);
  writeFileSync(
    join(project, "Cargo.toml"),
    `[package]\nname = "examples"\nedition = "2024"\n[dependencies]\nserde_json = "1"\nsignalr-serverless = "${VERSION}"\n` +
      `tokio = { version = "1", features = ["macros", "rt-multi-thread"] }\n[patch.crates-io]\n${patches.join("\n")}\n[workspace]\n`,
  );
  // Use the versions in the workspace's lock file, because these were tested.
  writeFileSync(join(project, "Cargo.lock"), read("Cargo.lock"));
  const target = { CARGO_TARGET_DIR: `${ROOT}target` };
  const built = await run("cargo", ["build", "--offline", "--bins"], { cwd: project, env: target });
  assert.equal(built.code, 0, built.stderr);

  const service = start(STATIC_BINARY, ["serve", "--port", 0]);
  t.after(() => service.stop("SIGKILL"));
  const env = { AzureSignalRConnectionString: await service.said(/^connection string\s+(\S+)$/) };
  const results = [];
  for (const index of examples.keys()) {
    const { code, stdout, stderr } = await run(`${target.CARGO_TARGET_DIR}/debug/example${index}`, [], { env });
    assert.equal(code, 0, stderr);
    results.push(stdout.trim());
  }
  assert.match(JSON.parse(results[0]).url, /\/client\/\?hub=chat$/);
  assert.equal(results[2], "ann is not here");
});

test("all other crates of the workspace can be packed", async () => {
  const metadata = JSON.parse((await run("cargo", ["metadata", "--format-version", "1", "--no-deps"])).stdout);
  const published = metadata.packages.filter((found) => found.publish === null).map((found) => found.name);
  assert.ok(published.includes("signalr-cli") && !published.includes("signalr-endurance"), published.join());
  const { code, stderr } = await run("cargo", ["package", "--locked", "--allow-dirty", "--no-verify", "--list", ...published.flatMap((name) => ["--package", name])]);
  assert.equal(code, 0, stderr);
  for (const found of metadata.packages.filter(({ publish }) => publish === null)) {
    assert.ok(found.description && found.license, found.name);
  }
});
