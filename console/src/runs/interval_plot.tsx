import { t } from '../i18n';

// Half the width of a 95 % interval, in standard errors.
export const Z_95 = 1.959964;

export interface IntervalPlotProps {
  value: number;
  interval?: [low: number, high: number];
  from: number; // the ends of the scale
  to: number;
  mark?: number; // a line across, for comparison
  format: (value: number) => string;
  tone?: 'better' | 'worse' | 'open';
}

// A value on a scale with its interval: a dot on a bar. Stretches to the place it has.
export function IntervalPlot(props: IntervalPlotProps) {
  const { value, interval, from, to, mark, format, tone = 'open' } = props;
  const at = (place: number) => {
    const share = (place - from) / (to - from || 1);
    return 2 + Math.min(1, Math.max(0, share)) * 96;
  };
  const label = interval
    ? t.value.runs.plotOf(format(value), format(interval[0]), format(interval[1]))
    : t.value.runs.plotAlone(format(value));
  return (
    <svg
      class={`interval-plot ${tone}`}
      viewBox="0 0 100 16"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <line class="plot-scale" x1="2" x2="98" y1="8" y2="8" />
      {mark !== undefined && <line class="plot-mark" x1={at(mark)} x2={at(mark)} y1="1" y2="15" />}
      {interval && (
        <line class="plot-interval" x1={at(interval[0])} x2={at(interval[1])} y1="8" y2="8" />
      )}
      <line class="plot-dot" x1={at(value)} x2={at(value)} y1="8" y2="8" />
    </svg>
  );
}
