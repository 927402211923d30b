// The connection string, for authors of back ends.
import { flushSync } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { explained, get } from "../api";
import { Problem } from "../problem";

export function Access() {
  const [text, setText] = useState<string>();
  const [isShown, setShown] = useState(false);
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    get<{ connectionString: string }>("connection-string").then(
      ({ connectionString }) => setText(connectionString),
      (error) => setProblem(explained(error)),
    );
  }, []);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text ?? "");
      setSaid("Copied");
    } catch {
      // Browsers let a page use the clipboard only if it comes from this machine or over TLS.
      flushSync(() => setShown(true));
      field.current?.select();
      setSaid("Press Ctrl+C to copy it");
    }
  };

  return (
    <>
      <h1>Access</h1>
      <Problem text={problem} />
      <section class="panel form">
        <label for="connection-string">Connection string</label>
        {isShown ? (
          <input id="connection-string" ref={field} readOnly type="text" value={text ?? ""} />
        ) : (
          <input id="connection-string" ref={field} readOnly type="password" value={text ?? ""} />
        )}
        <p class="quiet">
          Functions and back ends read it from the variable AzureSignalRConnectionString to find the service. It contains the
          access key, so keep it as secret as a password.
        </p>
        <div class="buttons">
          <button class="primary" disabled={!text} onClick={() => void copy()}>
            Copy
          </button>
          <button aria-pressed={isShown} onClick={() => setShown(!isShown)}>
            Show
          </button>
          <span role="status">{said}</span>
        </div>
      </section>
    </>
  );
}
