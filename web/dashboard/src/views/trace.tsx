// The live trace: events as they happen.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pathOf, resume } from "../api";
import { Name } from "../name";
import { bytes, clock, count, milliseconds } from "../numbers";
import { go, linkTo } from "../route";
import type { TraceEvent } from "../types";

/** How many events are kept for the download, and how many of them are shown. */
const KEPT = 2000;
const SHOWN = 200;
const DRAW_MS = 250;
const RETRY_MS = 2000;

const KINDS: [string, string][] = [
  ["connect", "connect"],
  ["disconnect", "disconnect"],
  ["message", "message"],
  ["call", "client's call"],
  ["group", "group change"],
  ["upstream", "upstream call"],
  ["refused", "refused token"],
];
const FIELDS: [string, string][] = [
  ["hub", "Hub"],
  ["user", "User"],
  ["connection", "Connection"],
  ["group", "Group"],
];

type Filter = Record<string, string>;

export function Trace({ query }: { query: URLSearchParams }) {
  const filter: Filter = Object.fromEntries(FIELDS.map(([name]) => [name, query.get(name) ?? ""]));
  const kinds = query.get("kinds")?.split(",").filter(Boolean) ?? [];
  const [isPaused, setPaused] = useState(false);
  const { events, leftOut, state, clear } = useTrace(filter, kinds, isPaused);
  const toggle = (kind: string, isWanted: boolean) => {
    const before = kinds.length === 0 ? KINDS.map(([name]) => name) : kinds;
    const next = isWanted ? [...before, kind] : before.filter((one) => one !== kind);
    go("trace", { ...filter, kinds: next.length === KINDS.length ? "" : next.join(",") });
  };

  return (
    <>
      <h1>Live trace</h1>
      <FilterForm key={query.toString()} filter={filter} onFilter={(next) => go("trace", { ...next, kinds: kinds.join(",") })} />
      <fieldset class="kinds">
        <legend>Kinds</legend>
        {KINDS.map(([kind, title]) => (
          <label key={kind}>
            <input
              type="checkbox"
              checked={kinds.length === 0 || kinds.includes(kind)}
              onChange={(event) => toggle(kind, event.currentTarget.checked)}
            />{" "}
            {title}
          </label>
        ))}
      </fieldset>
      <div class="buttons">
        <button aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          Pause
        </button>
        <button onClick={clear}>Clear</button>
        <button disabled={events.length === 0} onClick={() => download(events)}>
          Download
        </button>
        <span role="status">
          {isPaused ? "paused" : state}
          {leftOut > 0 && `, sampled: ${count(leftOut)} events of the last second are not shown`}
        </span>
      </div>
      <Events events={events} />
    </>
  );
}

/** Receives events for as long as the view is shown. Events that come during a pause are not kept. */
function useTrace(filter: Filter, kinds: string[], isPaused: boolean) {
  const [shown, setShown] = useState<{ events: TraceEvent[]; leftOut: number; state: string }>({
    events: [],
    leftOut: 0,
    state: "connecting",
  });
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const events = useRef<TraceEvent[]>([]);
  const path = pathOf("trace", filter, { kind: kinds });

  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let leftOut = 0;
    let state = "connecting";
    let isNew = true;
    events.current = [];

    let isOver = false;
    const open = () => {
      if (isOver) {
        return;
      }
      source = new EventSource(path);
      source.onopen = () => {
        [state, isNew] = ["watching", true];
      };
      source.onmessage = ({ data }) => {
        if (!paused.current) {
          events.current.push(JSON.parse(data));
          if (events.current.length > KEPT * 2) {
            events.current = events.current.slice(-KEPT);
          }
          isNew = true;
        }
      };
      source.addEventListener("leftOut", ({ data }) => {
        isNew ||= leftOut !== Number(data);
        leftOut = Number(data);
      });
      source.onerror = () => {
        [state, isNew, leftOut] = ["the service does not answer; trying again", true, 0];
        // After a refusal the source does not try again. The login may be over, or there are too many viewers.
        if (source?.readyState === EventSource.CLOSED) {
          clearTimeout(timer);
          timer = setTimeout(() => void resume().catch(() => {}).then(open), RETRY_MS);
        }
      };
    };
    const drawing = setInterval(() => {
      if (isNew && !document.hidden) {
        isNew = false;
        events.current = events.current.slice(-KEPT);
        setShown({ events: events.current, leftOut, state });
      }
    }, DRAW_MS);
    open();
    return () => {
      isOver = true;
      source?.close();
      clearTimeout(timer);
      clearInterval(drawing);
    };
  }, [path]);

  const clear = () => {
    events.current = [];
    setShown((last) => ({ ...last, events: [] }));
  };
  return { ...shown, clear };
}

function FilterForm({ filter, onFilter }: { filter: Filter; onFilter: (filter: Filter) => void }) {
  const [typed, setTyped] = useState(filter);
  return (
    <form
      class="tools"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        onFilter(typed);
      }}
    >
      {FIELDS.map(([name, title]) => (
        <label key={name}>
          {title}{" "}
          <input value={typed[name]} onInput={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })} />
        </label>
      ))}
      <button>Filter</button>
    </form>
  );
}

function Events({ events }: { events: TraceEvent[] }) {
  const newest = useMemo(() => events.slice(-SHOWN).reverse(), [events]);
  return (
    <>
      <div class="scroll" role="region" aria-label="Events" tabIndex={0}>
        <table class="events">
          <caption>
            The newest {count(Math.min(events.length, SHOWN))} of {count(events.length)} events, newest first
          </caption>
          <thead>
            <tr>
              {["Time", "Kind", "Hub", "User", "Connection", "Group", "What"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {newest.map((event, index) => (
              <tr key={events.length - index} class={event.kind}>
                <td class="number">{clock(event.time)}</td>
                <td>{event.kind}</td>
                <td>{event.hub !== undefined && <Name text={event.hub} />}</td>
                <td>{event.user !== undefined && <Name text={event.user} />}</td>
                <td>
                  {event.connection !== undefined && (
                    <a class="id" href={linkTo("connection", { hub: event.hub, id: event.connection })}>
                      <Name text={event.connection} />
                    </a>
                  )}
                </td>
                <td>{event.group !== undefined && <Name text={event.group} />}</td>
                <td>
                  <What event={event} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {events.length === 0 && <p class="quiet">Nothing has happened since you began to watch.</p>}
    </>
  );
}

function What({ event }: { event: TraceEvent }) {
  return (
    <>
      {event.what !== undefined && <Name text={event.what} whole={event.kind === "refused"} />}
      {event.bytes !== undefined && <span class="quiet"> {bytes(event.bytes)}</span>}
      {event.outcome !== undefined && ` → ${event.outcome}`}
      {event.milliseconds !== undefined && <span class="quiet"> {milliseconds(event.milliseconds)}</span>}
    </>
  );
}

/** Saves the events as a file with one JSON object on each line. */
function download(events: TraceEvent[]) {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`);
  const url = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `trace-${new Date().toISOString().replaceAll(":", "-")}.jsonl`;
  link.click();
  URL.revokeObjectURL(url);
}
