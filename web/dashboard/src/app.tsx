// The frame around the views: the login and the links to the views.
import { useEffect, useRef, useState } from "preact/hooks";
import { explained, logOut, resume, whenLoggedOut } from "./api";
import { linkTo, useRoute, type Route } from "./route";
import type { Session } from "./types";
import { Access } from "./views/access";
import { ConnectionView } from "./views/connection";
import { Connections } from "./views/connections";
import { Login } from "./views/login";
import { Groups, Hubs, Users } from "./views/names";
import { OverviewView } from "./views/overview";
import { Send } from "./views/send";
import { Trace } from "./views/trace";

const VIEWS: [string, string][] = [
  ["overview", "Overview"],
  ["hubs", "Hubs"],
  ["connections", "Connections"],
  ["users", "Users"],
  ["groups", "Groups"],
  ["trace", "Live trace"],
  ["send", "Send"],
  ["access", "Access"],
];

const RETRY_MS = 2000;

export function App() {
  // `undefined`: not known yet. `null`: nobody is logged in.
  const [session, setSession] = useState<Session | null>();
  const [problem, setProblem] = useState<string>();
  const route = useRoute();

  useEffect(() => {
    whenLoggedOut(() => setSession(null));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const begin = async () => {
      try {
        setSession((await resume()) ?? null);
        setProblem(undefined);
      } catch (error) {
        setProblem(explained(error));
        timer = setTimeout(begin, RETRY_MS);
      }
    };
    void begin();
    return () => clearTimeout(timer);
  }, []);

  if (session === undefined) {
    return (
      <main class="login">
        <p role="status">{problem ? `${problem}; trying again` : "one moment"}</p>
      </main>
    );
  }
  if (session === null) {
    return <Login onLogin={setSession} />;
  }
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header>
        <p class="brand">
          SignalR <span class="quiet">{session.version}</span>
        </p>
        <nav aria-label="Views">
          {VIEWS.map(([view, title]) => (
            <a key={view} href={linkTo(view)} aria-current={isOf(view, route) ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <button class="plain" onClick={() => void logOut().catch(() => setSession(null))}>
          Log out
        </button>
      </header>
      <Main route={route} />
    </>
  );
}

function Main({ route }: { route: Route }) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    const title = VIEWS.find(([view]) => isOf(view, route))?.[1] ?? "Not found";
    document.title = `${title} · SignalR dashboard`;
    // The focus makes screen readers announce the new view.
    if (!first.current) {
      main.current?.focus();
    }
    first.current = false;
  }, [route.view]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      <View route={route} />
    </main>
  );
}

function View({ route: { view, query } }: { route: Route }) {
  switch (view) {
    case "overview":
      return <OverviewView />;
    case "hubs":
      return <Hubs query={query} />;
    case "users":
      return <Users query={query} />;
    case "groups":
      return <Groups query={query} />;
    case "connections":
      return <Connections query={query} />;
    case "connection":
      return <ConnectionView hub={query.get("hub") ?? ""} id={query.get("id") ?? ""} />;
    case "trace":
      return <Trace key={query.toString()} query={query} />;
    case "send":
      return <Send query={query} />;
    case "access":
      return <Access />;
    default:
      return (
        <>
          <h1>Not found</h1>
          <p>
            There is no such view. Go to the <a href={linkTo("overview")}>overview</a>.
          </p>
        </>
      );
  }
}

function isOf(view: string, route: Route): boolean {
  return route.view === view || (view === "connections" && route.view === "connection");
}

// The part of the address after the # names the view. A normal link to an anchor would change it and leave the view.
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
