// The connections of a hub, a group or a user.
import { HubChoice, List, useHub } from "../list";
import { Name } from "../name";
import { bytes, count, duration } from "../numbers";
import { go, linkTo } from "../route";
import type { Connection } from "../types";

export function Connections({ query }: { query: URLSearchParams }) {
  const { hub, hubs } = useHub(query);
  const [group, user] = [query.get("group") ?? undefined, query.get("user") ?? undefined];
  return (
    <>
      <div class="title">
        <h1>Connections</h1>
        <HubChoice hub={hub} hubs={hubs} onChange={(name) => go("connections", { hub: name })} />
      </div>
      {(group ?? user) !== undefined && (
        <p>
          {group !== undefined ? "in the group " : "of the user "}
          <Name text={group ?? user} /> · <a href={linkTo("connections", { hub })}>all of the hub</a>
        </p>
      )}
      <List<Connection>
        name="connections"
        parameters={{ hub, group, user }}
        isReady={hub !== undefined}
        view="connections"
        query={query}
        searchLabel="Search by connection or user"
        caption="Open connections"
        heads={["Connection", "User", "Transport", "Protocol", "Groups", "Queue", "Open for"]}
        none="No connection."
        row={(one) => (
          <tr key={one.connection}>
            <td>
              <a class="id" href={linkTo("connection", { hub: one.hub, id: one.connection })}>
                <Name text={one.connection} />
              </a>
            </td>
            <td>
              <Name text={one.user} none="anonymous" />
            </td>
            <td>{one.transport.replaceAll("_", " ")}</td>
            <td>{one.protocol}</td>
            <td class="number">{count(one.groups)}</td>
            <td class="number">{bytes(one.heldBytes)}</td>
            <td class="number">{duration(one.seconds)}</td>
          </tr>
        )}
      />
    </>
  );
}
