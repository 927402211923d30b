/** The text of a problem, if there is one. Screen readers announce it. */
export function Problem({ text }: { text: string | undefined }) {
  return (
    <div role="alert">
      {text && <p class="problem">{text}</p>}
    </div>
  );
}
