// The figure on empty pages: a turned spindle in contour lines, computed from a profile
// as a turner would read it off a drawing.

const WIDTH = 640;
const HEIGHT = 128;
const CONTOURS = 6;
const STEPS = 320;

// Radius of the piece, from 0 to 1, at some places along it; smooth in between.
const STATIONS: [at: number, radius: number][] = [
  [0, 0.42],
  [0.045, 0.42],
  [0.05, 0.2],
  [0.07, 0.2],
  [0.09, 0.5],
  [0.11, 0.5],
  [0.13, 0.2],
  [0.15, 0.24],
  [0.164, 0.38],
  [0.178, 0.24],
  [0.2, 0.2],
  [0.445, 0.98],
  [0.8, 0.22],
  [0.812, 0.22],
  [0.826, 0.38],
  [0.84, 0.22],
  [0.87, 0.2],
  [0.895, 0.56],
  [0.925, 0.56],
  [0.95, 0.2],
  [0.957, 0.3],
  [1, 0.34],
];

function radius(at: number): number {
  const next = Math.max(
    1,
    STATIONS.findIndex(([place]) => place >= at),
  );
  const [x0, r0] = STATIONS[next - 1] ?? [0, 0];
  const [x1, r1] = STATIONS[next] ?? [1, 0];
  const step = (at - x0) / (x1 - x0 || 1);
  return r0 + (r1 - r0) * step * step * (3 - 2 * step);
}

// The line on the surface that is seen at `level` of the radius, from -1 to 1.
function contour(level: number): string {
  const points = Array.from({ length: STEPS + 1 }, (_, step) => {
    const y = HEIGHT / 2 + (radius(step / STEPS) * level * HEIGHT) / 2;
    return `${((step / STEPS) * WIDTH).toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join('L')}`;
}

const LEVELS = Array.from({ length: CONTOURS * 2 + 1 }, (_, index) =>
  Math.sin(((index - CONTOURS) / CONTOURS) * (Math.PI / 2)),
);
const LINES = LEVELS.map(contour);
const ENDS = [0, WIDTH].map((x) => {
  const reach = (radius(x / WIDTH) * HEIGHT) / 2;
  return `M${x} ${(HEIGHT / 2 - reach).toFixed(1)}V${(HEIGHT / 2 + reach).toFixed(1)}`;
});

export function Spindle() {
  const last = LINES.length - 1;
  return (
    <svg class="spindle" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" fill="none">
      {LINES.map((line, index) => (
        <path
          key={line}
          class={index === 0 || index === last ? 'spindle-outline' : undefined}
          d={line}
          vector-effect="non-scaling-stroke"
        />
      ))}
      <path class="spindle-outline" d={ENDS.join('')} vector-effect="non-scaling-stroke" />
      <path
        class="spindle-axis"
        d={`M-36 ${HEIGHT / 2}H${WIDTH + 36}`}
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}

// The mark: a piece seen along its axis, with the tool's cut. It turns while `turning`.
export function Mark({ size, turning = false }: { size: number; turning?: boolean }) {
  return (
    <svg
      class={turning ? 'mark turning' : 'mark'}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path stroke-width="1.8" d="M21 12a9 9 0 1 1-4.2-7.6" />
      <path stroke-width="1.6" d="M16.8 12A4.8 4.8 0 1 1 12 7.2" />
      <circle cx="12" cy="12" r="1.3" fill="currentColor" stroke="none" />
    </svg>
  );
}
