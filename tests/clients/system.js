// The system under test: the real `signalr` command, alone or as the nodes of a cluster.
import { startDevAlone, startServeAlone } from "./command.js";
import { startDevOfCluster, startServeOfCluster } from "./nodes.js";

export { BINARY, portOf, runToEnd, startDevAlone, startFunctions, startServeAlone } from "./command.js";

/**
 * With `SIGNALR_TEST_NODES=3` the service in these tests is a cluster of this many nodes. `rest` calls the
 * first node, and clients reach the others in turn.
 */
const NODES = Number(process.env.SIGNALR_TEST_NODES ?? 1);

/** Starts `signalr dev` and waits until it reports that it is ready. */
export function startDev(options = {}) {
  return NODES > 1 ? startDevOfCluster(NODES, options) : startDevAlone(options);
}

/** Starts `signalr serve` and waits until it reports that it is ready. */
export function startServe(options = {}) {
  return NODES > 1 ? startServeOfCluster(NODES, options) : startServeAlone(options);
}
