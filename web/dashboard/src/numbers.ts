// Numbers for people.

const whole = new Intl.NumberFormat("en");
const broken = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const count = (value: number) => whole.format(Math.round(value));

export const rate = (value: number) => (value >= 100 ? whole.format(Math.round(value)) : broken.format(value));

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${rate(value)} ${units[unit]}`;
}

export function milliseconds(value: number | null): string {
  return value === null ? "–" : `${broken.format(value)} ms`;
}

export function duration(seconds: number): string {
  const parts: [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) {
    return "0 s";
  }
  let left = Math.floor(seconds);
  return parts
    .slice(first, first + 2)
    .map(([size, unit]) => {
      const part = Math.floor(left / size);
      left -= part * size;
      return part > 0 ? `${part} ${unit}` : "";
    })
    .filter(Boolean)
    .join(" ");
}

export function clock(time: number): string {
  const date = new Date(time);
  const tail = String(date.getMilliseconds()).padStart(3, "0");
  return `${date.toLocaleTimeString("en-GB")}.${tail}`;
}
