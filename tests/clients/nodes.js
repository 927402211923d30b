// A cluster instead of one service. REST calls go to its first node, clients connect to the others.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDevAlone, startServeAlone } from "./command.js";
import { freePort } from "./ports.js";
import { startBalancer, startRedis } from "./redis.js";

/** Like `startServe`. The process is the one of the first node. */
export async function startServeOfCluster(count, options) {
  const redis = await startRedis();
  const port = options.port || (await freePort());
  // The audience of clients' tokens is the endpoint of the connection string.
  const args = [...(options.args ?? []), "--broker", redis.url, "--host", `localhost:${port}`];
  const ports = Array.from({ length: count }, (_, index) => (index === 0 ? port : 0));
  const nodes = await Promise.all(ports.map((port) => startServeAlone({ ...options, port, args })));
  const balancer = await startBalancer(nodes.slice(1), { inTurn: true });
  const [first] = nodes;
  return {
    ...first,
    service: balancer.url,
    callers: first.service,
    connectionString: `${first.connectionString}ClientEndpoint=${balancer.url};`,
    async stop(signal) {
      const codes = await Promise.all(nodes.map((node) => node.stop(signal)));
      balancer.stop();
      await redis.stop();
      return codes.find((code) => code !== 0) ?? 0;
    },
  };
}

/** Like `startDev`. Its functions call the first node, and the nodes call its functions. */
export async function startDevOfCluster(count, { port = 0, servicePort = 0, args = [], env = {} }) {
  const own = port === 0 ? await freePort() : port;
  const folder = await mkdtemp(join(tmpdir(), "nodes-"));
  const template = { UrlTemplate: `http://localhost:${own}/api/upstream`, CategoryPattern: "messages" };
  await writeFile(join(folder, "settings.json"), JSON.stringify({ UpstreamSettings: { Templates: [template] } }));
  const service = await startServeOfCluster(count, { port: servicePort, args: ["--config", folder] });
  const functions = await startDevAlone({
    port: own,
    args,
    env: { ...env, AzureSignalRConnectionString: service.connectionString },
  });
  const { callers, connectionString } = service;
  return {
    ...functions,
    service: service.service,
    callers,
    connectionString,
    async stop(signal) {
      const codes = await Promise.all([functions.stop(signal), service.stop(signal)]);
      await rm(folder, { recursive: true });
      return codes.find((code) => code !== 0) ?? 0;
    },
  };
}
