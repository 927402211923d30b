// Calls of the API. Paths are relative to the page, so a proxy may serve the page under any path.
import type { Session } from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(text);
  }
}

type Parameters = Record<string, string | number | null | undefined>;

/** A service whose process is stopped keeps its sockets open and gives no answer. */
const LONGEST_ANSWER_MS = 15_000;

let session: Session | undefined;
let onLogout: () => void = () => {};

/** The callback is called each time the service reports that nobody is logged in. */
export function whenLoggedOut(callback: () => void) {
  onLogout = callback;
}

export function pathOf(name: string, parameters: Parameters = {}, lists: Record<string, string[]> = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") {
      query.set(key, String(value));
    }
  }
  for (const [key, values] of Object.entries(lists)) {
    values.forEach((value) => query.append(key, value));
  }
  const text = query.toString();
  return `api/${name}${text && `?${text}`}`;
}

export async function get<T>(name: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  return call<T>(pathOf(name, parameters), { signal });
}

export async function post<T>(name: string, body?: unknown): Promise<T> {
  return call<T>(pathOf(name), {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": session?.csrfToken ?? "" },
    body: JSON.stringify(body ?? {}),
  });
}

/** The login of this browser; `undefined` if there is none. */
export async function resume(): Promise<Session | undefined> {
  try {
    session = await get<Session>("session");
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      return undefined;
    }
    throw error;
  }
}

export async function logIn(key: string): Promise<Session> {
  session = await post<Session>("login", { key });
  return session;
}

export async function logOut(): Promise<void> {
  await post("logout");
  session = undefined;
  onLogout();
}

async function call<T>(path: string, options: RequestInit): Promise<T> {
  const late = AbortSignal.timeout(LONGEST_ANSWER_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  const response = await fetch(path, { ...options, signal, credentials: "same-origin", cache: "no-store" });
  const text = await response.text();
  if (!response.ok) {
    const error = new ApiError(response.status, reason(text) ?? `the service answered with status ${response.status}`);
    if (response.status === 401 && session) {
      session = undefined;
      onLogout();
    }
    throw error;
  }
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

function reason(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** An error as text for people. */
export function explained(error: unknown): string {
  if (error instanceof ApiError) {
    return error.message;
  }
  return "the service cannot be reached";
}
