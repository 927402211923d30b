// A thread that sends messages one after the other and measures each call. It does nothing else, so the work
// of the clients in a test is not in its times.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { callersUrl, rest } from "./service.js";

/**
 * Sends the numbers from 0 on, each with `text`, to the hub at `path`: `count` of them at least, and for
 * `seconds` at least. Returns `{ count, longest }`: how many were sent, and the longest call in milliseconds.
 */
export async function publish(system, path, { count, seconds, text }) {
  const caller = { service: callersUrl(system), connectionString: system.connectionString };
  const worker = new Worker(new URL(import.meta.url), { workerData: { caller, path, count, seconds, text } });
  const [outcome] = await once(worker, "message");
  await worker.terminate();
  return outcome;
}

async function publishAll({ caller, path, count, seconds, text }) {
  const begin = performance.now();
  const outcome = { count: 0, longest: 0 };
  while (outcome.count < count || performance.now() - begin < seconds * 1000) {
    const called = performance.now();
    const body = { target: "newMessage", arguments: [outcome.count, text] };
    const { status, text: answer } = await rest(caller, "POST", `${path}/:send`, { body });
    outcome.longest = Math.max(outcome.longest, performance.now() - called);
    assert.equal(status, 202, answer);
    outcome.count += 1;
  }
  return outcome;
}

if (!isMainThread) {
  parentPort.postMessage(await publishAll(workerData));
}
