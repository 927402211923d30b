// Names that anybody may choose. They are shown as text, separate from the text around them, with all characters visible.

// Control characters, marks of direction, and characters without a width. Each is shown by its number.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;
const PARTS = new RegExp(`(${HIDDEN.source})`, "u");

/** A name, or a word if there is no name. */
export function Name({ text, none = "none", whole = false }: { text?: string | null; none?: string; whole?: boolean }) {
  if (text === null || text === undefined) {
    return <span class="quiet">{none}</span>;
  }
  return (
    <bdi class={whole ? "name whole" : "name"} title={whole ? undefined : visible(text)}>
      {text.split(PARTS).map((part) => (HIDDEN.test(part) ? <span class="code">{code(part)}</span> : part))}
    </bdi>
  );
}

/** The same as plain text, for titles and labels. */
export function visible(text: string): string {
  return text.split(PARTS).map((part) => (HIDDEN.test(part) ? `[${code(part)}]` : part)).join("");
}

function code(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
