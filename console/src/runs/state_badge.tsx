import { t } from '../i18n';
import { formatWhole } from '../ui/format';
import type { Progress, RunState } from './runs';

export function StateBadge({ state }: { state: RunState }) {
  return <span class={`state ${state}`}>{t.value.runs.states[state]}</span>;
}

// "45 s left", in the unit that one would say.
export function timeLeft(seconds: number): string {
  const texts = t.value.runs;
  if (seconds < 90) return texts.secondsLeft(formatWhole(Math.ceil(seconds)));
  if (seconds < 5400) return texts.minutesLeft(formatWhole(Math.round(seconds / 60)));
  return texts.hoursLeft(formatWhole(Math.round(seconds / 3600)));
}

// A bar, how many of how many, and the time that is left.
export function RunProgress({ name, progress }: { name: string; progress: Progress }) {
  const texts = t.value.runs;
  const { done, total, found, secondsLeft } = progress;
  return (
    <div class="run-progress">
      <progress max={Math.max(1, total)} value={done} aria-label={texts.progressBar(name)} />
      <p class="numbers">
        {texts.progress(formatWhole(done), formatWhole(total))}
        {secondsLeft !== undefined && ` · ${timeLeft(secondsLeft)}`}
        {found > 0 && ` · ${texts.found(formatWhole(found))}`}
      </p>
    </div>
  );
}
