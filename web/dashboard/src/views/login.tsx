// The login: an access key, or a connection string that contains one.
import { useState } from "preact/hooks";
import { explained, logIn } from "../api";
import { Problem } from "../problem";
import type { Session } from "../types";

export function Login({ onLogin }: { onLogin: (session: Session) => void }) {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      onLogin(await logIn(key));
    } catch (error) {
      setProblem(explained(error));
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <h1>SignalR dashboard</h1>
      <form class="panel" onSubmit={submit}>
        <label for="key">Access key or connection string</label>
        <input
          id="key"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          aria-describedby="hint"
        />
        <p id="hint" class="quiet">
          The command that runs the service prints the connection string when it starts.
        </p>
        <button class="primary" disabled={isBusy}>
          Log in
        </button>
        <Problem text={problem} />
      </form>
    </main>
  );
}
