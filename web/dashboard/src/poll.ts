// Asks the service at regular times: never twice at the same time, slower while there is no answer, and not at all while
// the page is hidden.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, explained } from "./api";

const LONGEST_WAIT_MS = 8000;

export interface Polled<T> {
  value: T | undefined;
  /** Why the last request failed. */
  problem: string | undefined;
  /** Asks at once. */
  again: () => void;
}

/** Asks every `period` ms. When `key` changes, the old value is dropped. */
export function usePoll<T>(key: string, period: number, ask: (signal: AbortSignal) => Promise<T>): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; problem?: string }>({ key });
  const asking = useRef(ask);
  asking.current = ask;
  const wake = useRef(() => {});

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let isAsking = false;

    const turn = async () => {
      clearTimeout(timer);
      if (isAsking || document.hidden) {
        return;
      }
      isAsking = true;
      try {
        const value = await asking.current(ended.signal);
        failures = 0;
        if (!ended.signal.aborted) {
          setState({ key, value });
        }
      } catch (error) {
        failures += 1;
        if (!ended.signal.aborted) {
          const problem = explained(error);
          // If the service refuses the request, its subject no longer exists, so the old value is dropped.
          const isGone = error instanceof ApiError && error.status < 500;
          setState((last) => ({ key, value: last.key === key && !isGone ? last.value : undefined, problem }));
        }
      }
      isAsking = false;
      if (!ended.signal.aborted) {
        const wait = failures === 0 ? period : Math.min(period * 2 ** Math.min(failures, 8), LONGEST_WAIT_MS);
        timer = setTimeout(turn, wait);
      }
    };
    wake.current = turn;
    const looked = () => void turn();
    document.addEventListener("visibilitychange", looked);
    void turn();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", looked);
    };
  }, [key, period]);

  const isOfKey = state.key === key;
  return {
    value: isOfKey ? state.value : undefined,
    problem: isOfKey ? state.problem : undefined,
    again: () => void wake.current(),
  };
}
