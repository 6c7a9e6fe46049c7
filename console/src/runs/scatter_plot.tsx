// Points on two scales with their names: what is gained against what it costs.

export interface ScatterPoint {
  name: string;
  x: number;
  y: number;
  label: string; // for those who cannot see it
  isMarked?: boolean;
}

export interface ScatterPlotProps {
  points: readonly ScatterPoint[];
  xTitle: string;
  yTitle: string;
  xFormat: (value: number) => string;
  yFormat: (value: number) => string;
  isYLogarithmic?: boolean;
  isJoined?: boolean; // by a line, in the order of x
}

const WIDTH = 480;
const HEIGHT = 300;
const LEFT = 58;
const RIGHT = 66;
const TOP = 26;
const BOTTOM = 40;
const TICKS = 5; // about

// From the least to the most, with room around; never of no width.
function scaleOf(values: number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - room, high + room];
}

// Round numbers between the ends: 1, 2 or 5 times a power of ten apart.
export function linearTicks(low: number, high: number): number[] {
  const rough = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}

// The same for logarithms: powers of ten, or 1, 2 and 5 times them where there are few.
export function logarithmicTicks(low: number, high: number): number[] {
  const ticks = (factors: readonly number[]) => {
    const powers = Math.ceil(high) - Math.floor(low) + 1;
    return Array.from({ length: powers }, (_, index) => Math.floor(low) + index)
      .flatMap((power) => factors.map((factor) => power + Math.log10(factor)))
      .filter((place) => place >= low && place <= high);
  };
  const decades = ticks([1]);
  return decades.length > 2 ? decades : ticks([1, 2, 5]);
}

export function ScatterPlot(props: ScatterPlotProps) {
  const { xFormat, yFormat, isYLogarithmic = false, isJoined = false } = props;
  const points = props.points.filter(({ y }) => !isYLogarithmic || y > 0);
  if (points.length === 0) return null;
  const height = (value: number) => (isYLogarithmic ? Math.log10(value) : value);
  const [xLow, xHigh] = scaleOf(points.map(({ x }) => x));
  const [yLow, yHigh] = scaleOf(points.map(({ y }) => height(y)));
  const xAt = (x: number) => LEFT + ((x - xLow) / (xHigh - xLow)) * (WIDTH - LEFT - RIGHT);
  const yAt = (y: number) => TOP + ((yHigh - y) / (yHigh - yLow)) * (HEIGHT - TOP - BOTTOM);
  const yTicks = isYLogarithmic ? logarithmicTicks(yLow, yHigh) : linearTicks(yLow, yHigh);
  const joined = [...points].sort((a, b) => a.x - b.x);
  return (
    <figure class="scatter">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={props.yTitle}>
        {yTicks.map((y) => {
          return (
            <g key={`y${y}`} aria-hidden="true">
              <line class="plot-scale" x1={LEFT} x2={WIDTH - RIGHT} y1={yAt(y)} y2={yAt(y)} />
              <text x={LEFT - 6} y={yAt(y) + 4} text-anchor="end">
                {yFormat(isYLogarithmic ? 10 ** y : y)}
              </text>
            </g>
          );
        })}
        {linearTicks(xLow, xHigh).map((x) => {
          return (
            <text
              key={`x${x}`}
              x={xAt(x)}
              y={HEIGHT - BOTTOM + 16}
              text-anchor="middle"
              aria-hidden="true"
            >
              {xFormat(x)}
            </text>
          );
        })}
        <text class="scatter-title" x={LEFT} y={12} aria-hidden="true">
          {props.yTitle}
        </text>
        <text
          class="scatter-title"
          x={WIDTH - RIGHT}
          y={HEIGHT - 6}
          text-anchor="end"
          aria-hidden="true"
        >
          {props.xTitle}
        </text>
        {isJoined && (
          <polyline
            class="scatter-line"
            points={joined.map(({ x, y }) => `${xAt(x)},${yAt(height(y))}`).join(' ')}
          />
        )}
        {points.map((point) => (
          <g key={point.name} role="img" aria-label={point.label}>
            <title>{point.label}</title>
            <circle
              class={point.isMarked ? 'scatter-point marked' : 'scatter-point'}
              cx={xAt(point.x)}
              cy={yAt(height(point.y))}
              r={point.isMarked ? 6 : 4.5}
            />
            <text x={xAt(point.x) + 8} y={yAt(height(point.y)) - 5} aria-hidden="true">
              {point.name}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  );
}
