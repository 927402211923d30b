// The page: its forms and its list of messages. Texts from the network are shown only as text nodes.
import { Listener } from "./listener.js";
import { Room } from "./room.js";

const SHOWN_AT_MOST = 500;

const query = new URLSearchParams(location.search);
const hub = query.get("hub") ?? "chat";
const byId = (id) => document.getElementById(id);
const [join, send, messages, state, problem] = ["join", "send", "messages", "state", "problem"].map(byId);

/** The present stay in a room: `{ user, room }`. */
let stay;
/** Until the user joins a room, shows messages that are sent to everybody. */
const listener = new Listener({ hub, message: (argument) => stay === undefined && addMessage(argument) });
listener.listen();

byId("hub").textContent = hub;
join.elements.name.value = query.get("name") ?? "";
join.elements.room.value = query.get("room") ?? join.elements.room.value;

join.addEventListener("submit", async (event) => {
  event.preventDefault();
  const user = join.elements.name.value.trim();
  const name = join.elements.room.value.trim();
  if (user === "" || name === "") {
    showProblem("name and room must not be blank");
    return;
  }
  byId("enter").disabled = true;
  try {
    await (stay?.room.leave() ?? listener.stop());
    enter(user, name);
  } finally {
    byId("enter").disabled = false;
  }
});

send.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { text } = send.elements;
  if (text.value.trim() === "") {
    return;
  }
  try {
    await stay.room.send(text.value);
    text.value = "";
    hideProblem();
  } catch (error) {
    showProblem(`not sent: ${error.message}`);
  }
  text.focus();
});

function enter(user, name) {
  hideProblem();
  byId("hint").hidden = true;
  addNote(`room ${name}`);
  document.title = `${name} · Chat`;
  byId("enter").textContent = "Change";
  send.elements.text.disabled = false;
  send.elements.text.focus();
  // Late reports of an earlier stay must not be shown.
  const now = (show) => (value) => stay?.room === room && show(value);
  const on = { state: now(showState), message: now(addMessage), problem: now(showProblem) };
  const room = new Room({ hub, user, name, on });
  stay = { user, room };
  room.enter();
}

function showState(word) {
  if (state.dataset.state !== word) {
    state.dataset.state = word;
    state.textContent = word;
  }
  // The field stays enabled while there is no connection, so that nobody loses a half-written message.
  byId("post").disabled = word !== "connected";
  if (word === "connected") {
    hideProblem();
  }
}

function addMessage(argument) {
  // Anyone may broadcast anything to the hub, so any argument is shown as text.
  const { from, text, at } = Object(argument);
  const item = element("li", "message");
  item.classList.toggle("mine", stay !== undefined && from === stay.user);
  item.append(element("span", "from", from ?? "somebody"), clock(at));
  item.append(element("p", "text", text ?? (typeof argument === "string" ? argument : JSON.stringify(argument))));
  append(item);
}

function addNote(text) {
  append(element("li", "note", text));
}

function append(item) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  messages.append(item);
  while (messages.childElementCount > SHOWN_AT_MOST) {
    messages.firstElementChild.remove();
  }
  if (atEnd) {
    messages.scrollTop = messages.scrollHeight;
  }
}

function clock(at) {
  const sent = new Date(at);
  const known = !Number.isNaN(sent.getTime());
  const time = element("time", "", (known ? sent : new Date()).toLocaleTimeString());
  if (known) {
    time.dateTime = sent.toISOString();
  }
  return time;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) {
    made.textContent = String(text);
  }
  return made;
}

function showProblem(text) {
  problem.textContent = text;
  problem.hidden = false;
}

function hideProblem() {
  problem.hidden = true;
}
