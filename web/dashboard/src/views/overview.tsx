// The most important values of the service.
import { useRef, useState } from "preact/hooks";
import { get } from "../api";
import { Chart } from "../chart";
import { Name } from "../name";
import { bytes, count, duration, milliseconds, rate } from "../numbers";
import { usePoll } from "../poll";
import { Problem } from "../problem";
import { linkTo } from "../route";
import type { Overview, Point } from "../types";

const PERIOD_MS = 2000;
const HISTORY_PERIOD_MS = 5000;
/** The points of an hour, as many as the service keeps. */
const POINTS = 720;

export function OverviewView() {
  const { value, problem } = usePoll("overview", PERIOD_MS, (signal) => get<Overview>("overview", {}, signal));
  return (
    <>
      <h1>Overview</h1>
      <Problem text={problem && `${problem}; trying again`} />
      {value && <Now overview={value} />}
      <LastHour />
      {value && <Limits overview={value} />}
      {value && <Nodes overview={value} />}
    </>
  );
}

function Now({ overview }: { overview: Overview }) {
  const { rates } = overview;
  const each = (value: number | undefined) => (value === undefined ? "–" : `${rate(value)}/s`);
  return (
    <>
      <p>
        {overview.ready ? (
          <span class="good">Ready</span>
        ) : (
          <span class="bad">Not ready: {overview.notReadyBecause?.replaceAll("_", " ")}</span>
        )}{" "}
        · running for {duration(overview.uptimeSeconds)}
        {overview.node && (
          <>
            {" "}
            · counts include all nodes; rates, the last hour and limits are only of this node, <b>{overview.node}</b>
          </>
        )}
      </p>
      <ul class="tiles">
        <Tile title="Connections" value={count(overview.connections)} href={linkTo("connections")}>
          {each(rates?.opened)} opened, {each(rates?.closed)} closed
        </Tile>
        <Tile title="Hubs" value={count(overview.hubs)} href={linkTo("hubs")}>
          {each(rates?.toHubs)} messages to hubs
        </Tile>
        <Tile title="Users" value={count(overview.users)} href={linkTo("users")}>
          {each(rates?.toUsers)} messages to users
        </Tile>
        <Tile title="Groups" value={count(overview.groups)} href={linkTo("groups")}>
          {each(rates?.toGroups)} messages to groups
        </Tile>
        <Tile title="Messages" value={each(rates?.messages)}>
          {each(rates?.clientMessages)} from clients
        </Tile>
        <Tile title="Deliveries" value={each(rates?.deliveries)}>
          {rates ? `${bytes(rates.deliveryBytes)}/s` : "–"}
        </Tile>
      </ul>
    </>
  );
}

function Tile({ title, value, href, children }: { title: string; value: string; href?: string; children: preact.ComponentChildren }) {
  return (
    <li class="panel tile">
      <h2>{href ? <a href={href}>{title}</a> : title}</h2>
      <p class="value">{value}</p>
      <p class="quiet">{children}</p>
    </li>
  );
}

function LastHour() {
  const points = useRef<Point[]>([]);
  const [shown, setShown] = useState<Point[]>([]);
  usePoll("history", HISTORY_PERIOD_MS, async (signal) => {
    const after = points.current.at(-1)?.time ?? 0;
    const { points: newer } = await get<{ points: Point[] }>("history", { after }, signal);
    points.current = [...points.current, ...newer].slice(-POINTS);
    setShown(points.current);
    return newer.length;
  });
  const times = shown.map((point) => point.time);
  const line = (label: string, value: (point: Point) => number | null) => ({ label, values: shown.map(value) });
  const last = shown.at(-1);
  return (
    <div class="charts">
      <Chart
        title="Connections"
        unit=""
        times={times}
        lines={[line("open", (point) => point.connections)]}
        now={last ? count(last.connections) : "–"}
      />
      <Chart
        title="Messages"
        unit="per second"
        times={times}
        lines={[line("accepted", (point) => point.messages), line("delivered", (point) => point.deliveries)]}
        now={last ? `${rate(last.messages)} accepted, ${rate(last.deliveries)} delivered` : "–"}
      />
      <Chart
        title="Latency"
        unit="in milliseconds"
        times={times}
        lines={[
          line("REST calls, mean", (point) => point.callMean),
          line("REST calls, 99th percentile", (point) => point.callP99),
          line("wait for a shard", (point) => point.lag),
        ]}
        now={last ? `calls ${milliseconds(last.callMean)}, shards ${milliseconds(last.lag)}` : "–"}
      />
    </div>
  );
}

function Limits({ overview }: { overview: Overview }) {
  return (
    <section class="panel">
      <h2>Limits</h2>
      <div class="scroll" role="region" aria-label="Limits" tabIndex={0}>
      <table>
        <caption class="only-read-aloud">Limits of the service and how much of each is in use</caption>
        <thead>
          <tr>
            <th scope="col">Limit</th>
            <th scope="col">In use</th>
            <th scope="col">Maximum</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {overview.limits.map(({ name, limit, used }) => {
            const shown = name.endsWith("bytes") ? bytes : count;
            const title = name.replaceAll("_", " ");
            return (
              <tr key={name}>
                <th scope="row">{title}</th>
                <td class="number">{shown(used)}</td>
                <td class="number">{shown(limit)}</td>
                <td>
                  <meter aria-label={`${title} in use`} max={limit} high={limit * 0.8} value={used} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      </div>
    </section>
  );
}

function Nodes({ overview }: { overview: Overview }) {
  if (overview.node === null) {
    return null;
  }
  return (
    <section class="panel">
      <h2>Nodes</h2>
      {overview.nodesUnknown && <p class="problem">The other nodes cannot be reached now. All counts are only of this node.</p>}
      <div class="scroll" role="region" aria-label="Nodes" tabIndex={0}>
        <table>
          <caption>All nodes of the cluster</caption>
          <thead>
            <tr>
              {["Node", "Version", "Address", "Up", "Seen", "Connections", "Lag"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {overview.nodes.map((node) => (
              <tr key={node.name}>
                <th scope="row">
                  <Name text={node.name} /> {node.name === overview.node && "(this one)"}
                </th>
                <td>{node.version}</td>
                <td>{node.address}</td>
                <td class="number">{duration(node.uptimeSeconds)}</td>
                <td class="number">{rate(node.seenSeconds)} s ago</td>
                <td class="number">{count(node.connections)}</td>
                <td class="number">{milliseconds(node.lagMilliseconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
