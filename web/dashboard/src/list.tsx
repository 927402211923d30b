// Shared by all lists: the choice of the hub, the search, and the pages, which the service makes.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "./api";
import { usePoll } from "./poll";
import { Problem } from "./problem";
import { go } from "./route";
import type { Hub, Page } from "./types";

const PERIOD_MS = 3000;
const HUBS_PERIOD_MS = 10_000;
const SIZES = ["50", "200"];
const SEARCH_WAIT_MS = 300;

export type Query = Record<string, string>;

/** The hub that the address names. If it names none, the hub with the most connections. */
export function useHub(query: URLSearchParams): { hub: string | undefined; hubs: Hub[] } {
  const { value } = usePoll("hubs", HUBS_PERIOD_MS, (signal) => get<Page<Hub>>("hubs", { limit: 200 }, signal));
  const hubs = value?.items ?? [];
  const named = query.get("hub");
  const largest = hubs.toSorted((one, other) => other.connections - one.connections)[0];
  return { hub: named ?? largest?.name, hubs };
}

export function HubChoice({ hub, hubs, onChange }: { hub: string | undefined; hubs: Hub[]; onChange: (hub: string) => void }) {
  const names = hubs.map((one) => one.name);
  if (hub && !names.includes(hub)) {
    names.unshift(hub);
  }
  return (
    <label>
      Hub{" "}
      <select value={hub} onChange={(event) => onChange(event.currentTarget.value)}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

interface ListProps<T> {
  /** The path in the API, and the parameters of this list except those of pages. */
  name: string;
  parameters: Record<string, string | undefined>;
  /** The view, and its present query. */
  view: string;
  query: URLSearchParams;
  searchLabel: string;
  heads: string[];
  caption: string;
  row: (item: T) => ComponentChildren;
  none: string;
  isReady?: boolean;
}

export function List<T>({ name, parameters, view, query, searchLabel, heads, caption, row, none, isReady = true }: ListProps<T>) {
  const [trail, setTrail] = useState<string[]>([]);
  const search = query.get("search") ?? "";
  const size = query.get("size") ?? "50";
  const after = trail.at(-1) ?? "";
  const of = JSON.stringify([name, parameters, search, size]);
  // Another list begins with its first page.
  useEffect(() => setTrail([]), [of]);
  const ask = (signal: AbortSignal) =>
    isReady ? get<Page<T>>(name, { ...parameters, search, limit: size, after }, signal) : Promise.resolve({ items: [], next: null });
  const { value, problem } = usePoll(`${of}${after}${isReady}`, PERIOD_MS, ask);
  const change = (next: Query) => go(view, { ...Object.fromEntries(query), ...next });

  return (
    <>
      <div class="tools">
        <Search key={search} label={searchLabel} text={search} onSearch={(text) => change({ search: text })} />
        <label>
          Rows per page{" "}
          <select value={size} onChange={(event) => change({ size: event.currentTarget.value })}>
            {SIZES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <Problem text={problem} />
      <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{value?.items.map(row)}</tbody>
        </table>
      </div>
      {value?.items.length === 0 && <p class="quiet">{none}</p>}
      <nav class="pages" aria-label="Pages">
        <button disabled={trail.length === 0} onClick={() => setTrail([])}>
          First
        </button>
        <button disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
          Previous
        </button>
        <span role="status">Page {trail.length + 1}</span>
        <button disabled={!value?.next} onClick={() => value?.next && setTrail([...trail, value.next])}>
          Next
        </button>
      </nav>
    </>
  );
}

function Search({ label, text, onSearch }: { label: string; text: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => {
    if (typed === text) {
      return;
    }
    const timer = setTimeout(() => onSearch(typed), SEARCH_WAIT_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(typed);
      }}
    >
      <label>
        {label} <input type="search" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
    </form>
  );
}
