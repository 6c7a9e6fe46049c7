import { PageAnchor } from '../app/page_anchor';
import { PageFrame } from '../app/page_frame';
import { client } from '../app/services';
import { t } from '../i18n';
import { formatDate, formatScore, formatWhole } from '../ui/format';
import { Icon } from '../ui/icon';
import { Commands, EVALUATE } from './commands';
import { useLoaded } from './load';
import { RunFailure } from './run_failure';
import { readRunList, type RunList, type RunSummary } from './runs';
import { RunProgress, StateBadge } from './state_badge';

const LOOK_AGAIN_MS = 5000;
const LOOK_SOON_MS = 1500; // while something is going on
const TASKS_SHOWN = 4;

export async function loadRuns(): Promise<RunList> {
  return readRunList(await client.runs());
}

export function RunsPage() {
  const texts = t.value.runs;
  const { value, failure, reload } = useLoaded('runs', loadRuns, (found) =>
    found?.runs.some(({ state }) => state === 'running') ? LOOK_SOON_MS : LOOK_AGAIN_MS,
  );
  return (
    <PageFrame title={texts.title}>
      <div class="runs-head">
        <h1>{texts.title}</h1>
        {value && value.runs.length > 1 && (
          <PageAnchor class="button" to={{ page: 'compare', a: '', b: '' }}>
            <Icon name="swap" size={16} />
            {texts.compare}
          </PageAnchor>
        )}
      </div>
      {failure && <RunFailure failure={failure} onRetry={reload} />}
      {!value && !failure && <p class="model-note">{texts.loading}</p>}
      {value && (value.runs.length > 0 ? <Rows runs={value.runs} /> : <NoRuns {...value} />)}
    </PageFrame>
  );
}

function NoRuns({ folder }: { folder: string }) {
  const texts = t.value.runs;
  return (
    <section class="card" aria-label={texts.emptyTitle}>
      <h2>{texts.emptyTitle}</h2>
      <p class="model-note">{texts.empty(folder)}</p>
      <Commands
        rows={[
          [EVALUATE, texts.emptyEvaluation],
          [`lathe quantize MODEL ${folder}/NAME --report --evaluate TEXT`, texts.emptyQuantization],
          [`lathe choose BRIEF.toml --output ${folder}/NAME`, texts.emptyChoice],
        ]}
      />
    </section>
  );
}

function Rows({ runs }: { runs: readonly RunSummary[] }) {
  return (
    <ul class="run-list">
      {runs.map((run) => (
        <Row key={run.id} run={run} />
      ))}
    </ul>
  );
}

function Row({ run }: { run: RunSummary }) {
  const texts = t.value.runs;
  return (
    <li class="run-row" data-run={run.id}>
      <div class="run-name">
        <PageAnchor to={{ page: 'run', id: run.id }}>{run.title || run.id}</PageAnchor>
        <StateBadge state={run.state} />
      </div>
      <p class="run-facts">
        {[
          texts.kinds[run.kind],
          run.model,
          taskNames(run.tasks),
          run.updatedMs === undefined ? '' : formatDate(run.updatedMs),
        ]
          .filter((fact) => fact !== '')
          .join(' · ')}
      </p>
      {run.state === 'running' && run.progress && (
        <RunProgress name={run.id} progress={run.progress} />
      )}
      {run.problem && <p class="run-problem">{texts.problem}</p>}
      {run.headline.length > 0 && (
        <dl class="run-headline numbers">
          {run.headline.map((score) => (
            <div key={`${score.task} ${score.metric} ${score.filter}`}>
              <dt>
                {score.task} <span>{score.metric}</span>
              </dt>
              <dd>
                {formatScore(score.value)}
                {score.standardError !== undefined && (
                  <small> ± {formatScore(score.standardError)}</small>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function taskNames(tasks: readonly string[]): string {
  const texts = t.value.runs;
  const shown = tasks.slice(0, TASKS_SHOWN).join(', ');
  const more = tasks.length - TASKS_SHOWN;
  return more > 0 ? `${shown} ${texts.more(formatWhole(more))}` : shown;
}
