// The present view. The part of the address after the # names it, as in #/connections?hub=chat.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  view: string;
  query: URLSearchParams;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

export function linkTo(view: string, query: Record<string, string | null | undefined> = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value) {
      parameters.set(key, value);
    }
  }
  const text = parameters.toString();
  return `#/${view}${text && `?${text}`}`;
}

export function go(view: string, query?: Record<string, string | null | undefined>) {
  location.hash = linkTo(view, query);
}

function read(): Route {
  const [view = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { view: view || "overview", query: new URLSearchParams(query) };
}
