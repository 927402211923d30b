// Waits for conditions that give no event, with a bound.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/**
 * Waits until `holds` returns a true value, and returns this value. Fails after `patience` ms. The error names
 * the condition: `what`, or the text of `holds`.
 */
export async function until(holds, { patience = 60_000, what = () => holds.toString() } = {}) {
  const end = performance.now() + patience;
  for (;;) {
    const held = await holds();
    if (held) {
      return held;
    }
    assert.ok(performance.now() < end, `not so after ${patience} ms: ${what()}`);
    await pause(10);
  }
}
