// One connection: its facts, its queue, a form to send to it, and a form to close it.
import { useState } from "preact/hooks";
import { explained, get, post } from "../api";
import { Name } from "../name";
import { bytes, count, duration } from "../numbers";
import { usePoll } from "../poll";
import { Problem } from "../problem";
import { linkTo } from "../route";
import type { Details } from "../types";
import { SendForm } from "./send";

const PERIOD_MS = 2000;
const GROUPS_SHOWN = 200;

export function ConnectionView({ hub, id }: { hub: string; id: string }) {
  const { value, problem } = usePoll(`${hub}\n${id}`, PERIOD_MS, (signal) =>
    get<Details>("connection", { hub, connection: id }, signal),
  );
  return (
    <>
      <h1>
        Connection <Name text={id} whole />
      </h1>
      <Problem text={problem} />
      {value && <Facts details={value} />}
      <p>
        <a href={linkTo("trace", { hub, connection: id })}>Watch it in the live trace</a>
      </p>
    </>
  );
}

function Facts({ details }: { details: Details }) {
  const { hub, connection, groupNames, claims } = details;
  const shown = groupNames.slice(0, GROUPS_SHOWN);
  return (
    <div class="columns">
      <section class="panel">
        <h2>Details</h2>
        <dl>
          <dt>Hub</dt>
          <dd>
            <a href={linkTo("connections", { hub })}>
              <Name text={hub} whole />
            </a>
          </dd>
          <dt>User</dt>
          <dd>
            {details.user === null ? (
              <Name none="anonymous" />
            ) : (
              <a href={linkTo("connections", { hub, user: details.user })}>
                <Name text={details.user} whole />
              </a>
            )}
          </dd>
          <dt>Transport</dt>
          <dd>{details.transport.replaceAll("_", " ")}</dd>
          <dt>Protocol</dt>
          <dd>{details.protocol}</dd>
          <dt>Open for</dt>
          <dd>{duration(details.seconds)}</dd>
          <dt id="queue">Queue</dt>
          <dd>
            <meter aria-labelledby="queue" max={details.mostHeldBytes} value={details.heldBytes} />{" "}
            {bytes(details.heldBytes)} of {bytes(details.mostHeldBytes)}
          </dd>
        </dl>
      </section>
      <section class="panel">
        <h2>Groups ({count(groupNames.length)})</h2>
        {groupNames.length === 0 && <p class="quiet">The connection is in no group.</p>}
        <ul class="names">
          {shown.map((group) => (
            <li key={group}>
              <a href={linkTo("connections", { hub, group })}>
                <Name text={group} />
              </a>
            </li>
          ))}
        </ul>
        {shown.length < groupNames.length && <p class="quiet">and {count(groupNames.length - shown.length)} more</p>}
      </section>
      <section class="panel">
        <h2>Claims</h2>
        {claims.length === 0 && <p class="quiet">The token has no claims.</p>}
        <dl>
          {claims.map(({ type, value }, index) => (
            <div key={index}>
              <dt>
                <Name text={type} whole />
              </dt>
              <dd>
                <Name text={value} whole />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section class="panel">
        <h2>Send a message</h2>
        <SendForm hub={hub} fixed={{ kind: "connection", name: connection }} />
      </section>
      <section class="panel">
        <h2>Close the connection</h2>
        <Close hub={hub} connection={connection} />
      </section>
    </div>
  );
}

function Close({ hub, connection }: { hub: string; connection: string }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<string>();
  const [isAsked, setAsked] = useState(false);

  const close = async (event: Event) => {
    event.preventDefault();
    // A second click confirms the close, because the client's work is interrupted.
    if (!isAsked) {
      setAsked(true);
      return;
    }
    setAsked(false);
    try {
      await post("close", { hub, connection, reason });
      setProblem(undefined);
    } catch (error) {
      setProblem(explained(error));
    }
  };

  return (
    <form onSubmit={close}>
      <label>
        Reason, shown to the client
        <input value={reason} maxLength={1000} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button class="danger">{isAsked ? "Really close it" : "Close the connection"}</button>
      {isAsked && (
        <button type="button" onClick={() => setAsked(false)}>
          Keep it
        </button>
      )}
      <Problem text={problem} />
    </form>
  );
}
