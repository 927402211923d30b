// A thread that sends messages one after the other and measures each call. It does nothing else, so the work
// of the clients in a test is not in its times.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { callersUrl, rest } from "./service.js";

/**
 * Sends the numbers from 0 on, each with `text`, to the hub at `path`: `count` of them at least, and for
 * `seconds` at least. Returns `{ count, longest, most }`: how many were sent, the longest call in milliseconds,
 * and the time in which 99.5 % of the calls ended.
 */
export async function publish(system, path, { count, seconds, text }) {
  const caller = { service: callersUrl(system), connectionString: system.connectionString };
  const worker = new Worker(new URL(import.meta.url), { workerData: { caller, path, count, seconds, text } });
  const [outcome] = await once(worker, "message");
  await worker.terminate();
  return outcome;
}

async function publishAll({ caller, path, count, seconds, text }) {
  // The first call loads the HTTP client of this thread, which takes longer than any call.
  await rest(caller, "GET", `${path}/connections/none`);
  const times = [];
  const begin = performance.now();
  while (times.length < count || performance.now() - begin < seconds * 1000) {
    const called = performance.now();
    const body = { target: "newMessage", arguments: [times.length, text] };
    const { status, text: answer } = await rest(caller, "POST", `${path}/:send`, { body });
    times.push(performance.now() - called);
    assert.equal(status, 202, answer);
  }
  times.sort((one, other) => one - other);
  return { count: times.length, longest: times.at(-1), most: times[Math.floor(times.length * 0.995)] };
}

if (!isMainThread) {
  parentPort.postMessage(await publishAll(workerData));
}
