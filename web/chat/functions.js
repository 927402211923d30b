// Calls to the functions of one hub. The page sends through these: a serverless client only listens.

/** Adds the connection to the room's group. */
export function joinRoom(hub, room, connectionId) {
  return post(hub, "group-admin", { action: "add", groupName: room, connectionId });
}

/** Sends one message to everybody in the room, the sender included. */
export function sendToRoom(hub, room, message) {
  return post(hub, "broadcast", { target: "newMessage", groupName: room, arguments: [message] });
}

/** Where a client of the hub negotiates, as the named user. */
export function negotiateUrl(hub, user) {
  return `/api/${encodeURIComponent(hub)}?user=${encodeURIComponent(user)}`;
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

/** What a problem answer says; the status alone where it says nothing. */
async function reason(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? problem.title ?? `status ${response.status}`;
  } catch {
    return `status ${response.status}`;
  }
}
