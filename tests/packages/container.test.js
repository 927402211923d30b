// The container image, built and started without a container engine.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../clients/ports.js";
import { ROOT, run, start } from "../platforms/programs.js";
import { STATIC_BINARY, assertDelivers } from "./packages.js";

const KEY = "a key of your own, long enough to sign";
const folder = mkdtempSync(join(tmpdir(), "signalr-image-"));
const bundle = join(folder, "bundle");
let config;
before(async () => {
  const layout = join(folder, "image");
  const built = await run(`${ROOT}packaging/container/image.sh`, [STATIC_BINARY, layout]);
  assert.equal(built.code, 0, built.stderr);
  const unpacked = await run("umoci", ["unpack", "--image", `${layout}:latest`, bundle]);
  assert.equal(unpacked.code, 0, unpacked.stderr);
  config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
});
after(() => rmSync(folder, { recursive: true }));

/** Starts the image's program as an engine does: with the image's settings, and with its own file system, processes and users. */
function startImage(t, env, binds = []) {
  const variables = Object.fromEntries(config.process.env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
  const settings = Object.entries({ ...variables, ...env }).flatMap(([name, value]) => ["--setenv", name, String(value)]);
  const { uid, gid } = config.process.user;
  const files = readdirSync(join(bundle, "rootfs")).flatMap((name) => ["--ro-bind", join(bundle, "rootfs", name), `/${name}`]);
  const image = start("bwrap", [
    ...["--unshare-all", "--share-net", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL", "--uid", uid, "--gid", gid],
    ...["--tmpfs", "/", "--dev", "/dev", "--proc", "/proc", ...files, ...binds, "--remount-ro", "/"],
    ...["--clearenv", ...settings, ...config.process.args],
  ]);
  t.after(() => image.stop("SIGKILL"));
  /** As with an engine, only the program gets the signal. */
  const stop = () => {
    const [program] = readFileSync(`/proc/${image.pid}/task/${image.pid}/children`, "utf8").split(" ");
    process.kill(Number(program), "SIGTERM");
    return image.ended;
  };
  return { ...image, stop };
}

test("there is nothing in it except the program, which does not run as root", () => {
  assert.deepEqual(readdirSync(join(bundle, "rootfs")), ["signalr"]);
  assert.notEqual(config.process.user.uid, 0);
});

test("the Containerfile says the same", () => {
  const recipe = readFileSync(`${ROOT}packaging/container/Containerfile`, "utf8").split(/^FROM scratch$/m)[1];
  const value = (instruction) => new RegExp(`^${instruction} (.+)$`, "m").exec(recipe)[1];
  assert.equal(value("USER"), `${config.process.user.uid}:${config.process.user.gid}`);
  assert.deepEqual([...JSON.parse(value("ENTRYPOINT")), ...JSON.parse(value("CMD"))], config.process.args);
  for (const setting of value("ENV").split(" ")) {
    assert.ok(config.process.env.includes(setting), setting);
  }
});

test("it refuses to start without a key", async (t) => {
  const image = startImage(t, { SIGNALR_PORT: await freePort() });
  assert.equal(await image.ended, 64);
  assert.match(image.lines.join("\n"), /everybody knows[^]*--access-key/);
});

test("it serves a stock client, and ends by the image's signal", async (t) => {
  const port = await freePort();
  const image = startImage(t, { SIGNALR_PORT: port, SIGNALR_ACCESS_KEY: KEY });
  await image.said(/^ready$/);
  await assertDelivers(`http://127.0.0.1:${port}`, KEY);
  assert.equal(await image.stop(), 0);
});

test("the recipe's health check tells a service that answers from none", async (t) => {
  const recipe = readFileSync(`${ROOT}packaging/container/Containerfile`, "utf8");
  const [, check] = /^HEALTHCHECK .*CMD (\[.+\])$/m.exec(recipe);
  const port = await freePort();
  const [, ...args] = JSON.parse(check).map((argument) => argument.replace("Port=8888", `Port=${port}`));
  assert.equal((await run(STATIC_BINARY, args)).code, 69);
  const image = startImage(t, { SIGNALR_PORT: port, SIGNALR_ACCESS_KEY: KEY });
  await image.said(/^ready$/);
  const { code, stderr } = await run(STATIC_BINARY, args);
  assert.equal(code, 0, stderr);
  await image.stop();
});

test("it finds an upstream by its name", async (t) => {
  const called = new Promise((resolve) => {
    const upstream = createServer((request, response) => response.end(resolve(request.url)));
    t.after(() => upstream.close());
    upstream.listen(0, "127.0.0.1", () => {
      const template = { UrlTemplate: `http://upstream.test:${upstream.address().port}/{hub}/{event}` };
      writeFileSync(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: [template] } }));
      writeFileSync(join(folder, "hosts"), "127.0.0.1 upstream.test\n");
    });
  });
  const port = await freePort();
  const binds = ["settings.json", "hosts"].flatMap((name) => ["--ro-bind", join(folder, name), `/etc/${name}`]);
  const image = startImage(t, { SIGNALR_PORT: port, SIGNALR_ACCESS_KEY: KEY, SIGNALR_CONFIG: "/etc/settings.json" }, binds);
  await image.said(/^ready$/);
  await assertDelivers(`http://127.0.0.1:${port}`, KEY);
  assert.match(await called, /^\/chat\/connected/);
  await image.stop();
});
