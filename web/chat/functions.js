// Calls to the functions of one hub.

/** Adds the connection to the room's group. */
export function joinRoom(hub, room, connectionId) {
  return post(hub, "group-admin", { action: "add", groupName: room, connectionId });
}

/** Sends one message to everybody in the room, for clients that may not call methods. */
export function sendToRoom(hub, room, message) {
  return post(hub, "broadcast", { target: "newMessage", groupName: room, arguments: [message] });
}

/** The URL where a client of the hub negotiates as the named user. */
export function negotiateUrl(hub, user) {
  return `/api/${encodeURIComponent(hub)}?user=${encodeURIComponent(user)}`;
}

/** The URL where a client of the hub negotiates without a user. It only listens. */
export function listenUrl(hub) {
  return `/api/${encodeURIComponent(hub)}`;
}

/**
 * Whether clients of the service may call methods. A service without an upstream ends the connection of a client that
 * calls, so the page must know this before.
 */
export async function mayCall() {
  try {
    const response = await fetch("page.json");
    return response.ok && (await response.json()).hasUpstream === true;
  } catch {
    return false;
  }
}

async function post(hub, call, body) {
  const response = await fetch(`/api/${encodeURIComponent(hub)}/${call}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(await reason(response));
  }
}

/** The text of a problem answer. If it has none, the status. */
async function reason(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? problem.title ?? `status ${response.status}`;
  } catch {
    return `status ${response.status}`;
  }
}
