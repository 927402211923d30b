// A form that sends a message to any target.
import { useState } from "preact/hooks";
import { explained, post } from "../api";
import { Problem } from "../problem";

const KINDS: [string, string][] = [
  ["hub", "everybody in the hub"],
  ["group", "a group"],
  ["user", "a user"],
  ["connection", "a connection"],
];

export interface Target {
  kind: string;
  name: string;
}

export function Send({ query }: { query: URLSearchParams }) {
  const target = { kind: query.get("kind") ?? "hub", name: query.get("name") ?? "" };
  return (
    <>
      <h1>Send a message</h1>
      <div class="panel form">
        <SendForm key={query.toString()} hub={query.get("hub") ?? ""} first={target} />
      </div>
    </>
  );
}

/** A form; `fixed` is a target that cannot be changed. */
export function SendForm({ hub, first, fixed }: { hub: string; first?: Target; fixed?: Target }) {
  const [toHub, setHub] = useState(hub);
  const [{ kind, name }, setTarget] = useState(fixed ?? first ?? { kind: "hub", name: "" });
  const [method, setMethod] = useState("newMessage");
  const [text, setText] = useState('["hello"]');
  const [problem, setProblem] = useState<string>();
  const [sent, setSent] = useState(0);

  const send = async (event: Event) => {
    event.preventDefault();
    setSent(0);
    let list: unknown;
    try {
      list = JSON.parse(text);
    } catch (error) {
      setProblem(`the arguments are not JSON: ${error instanceof Error ? error.message : error}`);
      return;
    }
    if (!Array.isArray(list)) {
      setProblem('the arguments are not an array; write them as ["hello", 1]');
      return;
    }
    try {
      await post("send", { hub: toHub, to: kind === "hub" ? "hub" : { [kind]: name }, target: method, arguments: list });
      setProblem(undefined);
      setSent(Date.now());
    } catch (error) {
      setProblem(explained(error));
    }
  };

  return (
    <form onSubmit={send}>
      {!fixed && (
        <>
          <label>
            Hub
            <input required value={toHub} onInput={(event) => setHub(event.currentTarget.value)} />
          </label>
          <label>
            To
            <select value={kind} onChange={(event) => setTarget({ kind: event.currentTarget.value, name })}>
              {KINDS.map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          {kind !== "hub" && (
            <label>
              Name of the {kind}
              <input required value={name} onInput={(event) => setTarget({ kind, name: event.currentTarget.value })} />
            </label>
          )}
        </>
      )}
      <label>
        Method
        <input required value={method} onInput={(event) => setMethod(event.currentTarget.value)} />
      </label>
      <label>
        Arguments, as a JSON array
        <textarea rows={3} required spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button class="primary">Send</button>
      <p role="status">{sent > 0 && `Sent at ${new Date(sent).toLocaleTimeString("en-GB")}`}</p>
      <Problem text={problem} />
    </form>
  );
}
