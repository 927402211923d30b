// Hubs, and the users and groups of a hub.
import { HubChoice, List, useHub } from "../list";
import { Name } from "../name";
import { count, rate } from "../numbers";
import { go, linkTo } from "../route";
import type { Hub, Name as Named } from "../types";

interface ViewProps {
  query: URLSearchParams;
}

export function Hubs({ query }: ViewProps) {
  return (
    <>
      <h1>Hubs</h1>
      <List<Hub>
        name="hubs"
        parameters={{}}
        view="hubs"
        query={query}
        searchLabel="Search by name"
        caption="Hubs that have connections"
        heads={["Hub", "Connections", "Users", "Groups", "Server connections", "Messages"]}
        none="No hub has a connection."
        row={(hub) => (
          <tr key={hub.name}>
            <td>
              <a href={linkTo("connections", { hub: hub.name })}>
                <Name text={hub.name} />
              </a>
            </td>
            <td class="number">{count(hub.connections)}</td>
            <td class="number">
              <a href={linkTo("users", { hub: hub.name })}>{count(hub.users)}</a>
            </td>
            <td class="number">
              <a href={linkTo("groups", { hub: hub.name })}>{count(hub.groups)}</a>
            </td>
            <td class="number">{count(hub.serverConnections)}</td>
            <td class="number">{rate(hub.messages)}/s</td>
          </tr>
        )}
      />
    </>
  );
}

export function Users({ query }: ViewProps) {
  return <Names query={query} title="Users" view="users" head="User" parameter="user" none="No user has a connection." />;
}

export function Groups({ query }: ViewProps) {
  return <Names query={query} title="Groups" view="groups" head="Group" parameter="group" none="No group has a connection." />;
}

interface NamesProps extends ViewProps {
  title: string;
  view: string;
  head: string;
  parameter: string;
  none: string;
}

function Names({ query, title, view, head, parameter, none }: NamesProps) {
  const { hub, hubs } = useHub(query);
  return (
    <>
      <div class="title">
        <h1>{title}</h1>
        <HubChoice hub={hub} hubs={hubs} onChange={(name) => go(view, { hub: name })} />
      </div>
      <List<Named>
        name={view}
        parameters={{ hub }}
        isReady={hub !== undefined}
        view={view}
        query={query}
        searchLabel="Search by name"
        caption={`${title} that have connections`}
        heads={[head, "Connections", "Actions"]}
        none={none}
        row={({ name, connections }) => (
          <tr key={name}>
            <td>
              <a href={linkTo("connections", { hub, [parameter]: name })}>
                <Name text={name} />
              </a>
            </td>
            <td class="number">{count(connections)}</td>
            <td>
              <a href={linkTo("send", { hub, kind: parameter, name })}>Send</a>{" "}
              <a href={linkTo("trace", { hub, [parameter]: name })}>Trace</a>
            </td>
          </tr>
        )}
      />
    </>
  );
}
