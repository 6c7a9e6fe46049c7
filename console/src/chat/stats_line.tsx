import type { ComponentChildren } from 'preact';
import type { Usage } from '../api/client';
import { t } from '../i18n';
import { formatRate, formatSeconds, formatWhole } from '../ui/format';
import type { LiveAnswer } from './session';
import type { AnswerStats } from './stats';

// The numbers of an answer under way, with its speed as a small curve.
export function LiveStrip({ live }: { live: LiveAnswer }) {
  const texts = t.value.stats;
  const { stats, samples } = live;
  return (
    <span class="live-strip numbers">
      {samples.length > 2 && <Curve samples={samples} label={texts.speed} />}
      {stats.tokensPerSecond !== undefined && (
        <b>{texts.perSecond(formatRate(stats.tokensPerSecond))}</b>
      )}
      {stats.firstTokenMs === undefined ? (
        <span>{texts.total(formatSeconds(stats.totalMs))}</span>
      ) : (
        <span class="live-first">{texts.firstToken(formatSeconds(stats.firstTokenMs))}</span>
      )}
    </span>
  );
}

const CURVE_WIDTH = 64;
const CURVE_HEIGHT = 16;

function Curve({ samples, label }: { samples: readonly number[]; label: string }) {
  const highest = Math.max(...samples, 1);
  const points = samples.map((rate, index) => {
    const x = (index / (samples.length - 1)) * CURVE_WIDTH;
    return `${x.toFixed(1)} ${(CURVE_HEIGHT - 1 - (rate / highest) * (CURVE_HEIGHT - 2)).toFixed(1)}`;
  });
  return (
    <svg class="curve" width={CURVE_WIDTH} height={CURVE_HEIGHT} role="img" aria-label={label}>
      <path d={`M${points.join('L')}`} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}

// The numbers of an answer that has ended.
export function AnswerStatsLine({ stats, usage }: { stats: AnswerStats; usage?: Usage }) {
  const texts = t.value.stats;
  const parts: [string, ComponentChildren][] = [
    ['tokens', texts.tokens(formatWhole(stats.tokens), stats.exact)],
  ];
  if (stats.tokensPerSecond !== undefined) {
    parts.push(['speed', texts.perSecond(formatRate(stats.tokensPerSecond))]);
  }
  if (stats.firstTokenMs !== undefined) {
    parts.push(['first', texts.firstToken(formatSeconds(stats.firstTokenMs))]);
  }
  parts.push(['total', texts.total(formatSeconds(stats.totalMs))]);
  if (usage) parts.push(['prompt', texts.prompt(formatWhole(usage.promptTokens))]);
  return (
    <ul class="stats-line numbers">
      {parts.map(([name, text]) => (
        <li key={name} data-stat={name}>
          {text}
        </li>
      ))}
    </ul>
  );
}
