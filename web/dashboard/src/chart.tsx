// A plot of the last hour.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface Line {
  label: string;
  values: (number | null)[];
}

const HEIGHT = 180;
/** The possible distances between times on the axis, in seconds. */
const MINUTES = [60, 120, 300, 600, 900, 1200];
const COLOURS = ["--first", "--second", "--third"];
const DASHES = [[], [8, 4], [2, 3]];

export function Chart({ title, unit, times, lines, now }: { title: string; unit: string; times: number[]; lines: Line[]; now: string }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;
  const newest = useRef(data);
  newest.current = data;
  const labels = lines.map((line) => line.label).join("\n");

  useEffect(() => {
    const element = place.current;
    if (!element) {
      return;
    }
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, labels.split("\n")), newest.current, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [labels]);

  useEffect(() => plot.current?.setData(data), [times, lines]);

  return (
    <section class="panel chart">
      <h2>
        {title} <span class="quiet">{unit}</span>
      </h2>
      <p class="now">{now}</p>
      <div ref={place} role="img" aria-label={`${title} over the last hour. Now: ${now}`} />
      <ul class="legend" aria-hidden="true">
        {lines.map((line, index) => (
          <li key={line.label}>
            <svg width="24" height="8" viewBox="0 0 24 8">
              <line x1="0" y1="4" x2="24" y2="4" class={`line-${index}`} stroke-dasharray={DASHES[index]?.join(" ")} />
            </svg>
            {line.label}
          </li>
        ))}
      </ul>
    </section>
  );
}

function options(element: HTMLElement, labels: string[]): uPlot.Options {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 1)] } },
    axes: [
      { ...axis, size: 32, incrs: MINUTES, values: (_plot, splits) => splits.map(timeOfDay) },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      ...labels.map((label, index) => ({
        label,
        stroke: colour(COLOURS[index] ?? "--first"),
        width: 2,
        dash: DASHES[index],
        points: { show: false },
      })),
    ],
  };
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
