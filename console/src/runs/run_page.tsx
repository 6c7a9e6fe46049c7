import { useEffect, useState } from 'preact/hooks';
import { apiKey } from '../app/api_key';
import { PageAnchor } from '../app/page_anchor';
import { PageFrame } from '../app/page_frame';
import { client } from '../app/services';
import { t } from '../i18n';
import { announce } from '../ui/announce';
import { formatDate } from '../ui/format';
import { Icon } from '../ui/icon';
import { RawJson } from '../ui/raw_json';
import { ChoiceView } from './choice_view';
import { Commands } from './commands';
import { EvaluationView } from './evaluation_view';
import { BackToRuns } from './frame_parts';
import { useLoaded } from './load';
import { RunFailure } from './run_failure';
import { QuantizationView } from './quantization_view';
import { readChoice, readQuantization } from './reports';
import { readRun, readSummary, withState, type Run, type RunSummary } from './runs';
import { RunProgress } from './state_badge';

const LOOK_AGAIN_MS = 5000; // at a run that ended early
const RETRY_MS = 2000; // after a stream that broke off

export function RunPage({ id }: { id: string }) {
  const texts = t.value.runs;
  const { value, failure, reload } = useLoaded(
    id,
    async () => readRun(await client.run(id)),
    // The same command may go on with it.
    (found) => (found && !['running', 'done'].includes(found.state) ? LOOK_AGAIN_MS : undefined),
  );
  const state = useLiveState(id, value, reload);
  const run = value && state ? withState(value, state) : value;
  return (
    <PageFrame title={<BackToRuns />}>
      {failure && <RunFailure failure={failure} onRetry={reload} />}
      {!run && !failure && <p class="model-note">{texts.loading}</p>}
      {run && <RunView run={run} />}
    </PageFrame>
  );
}

// The states of a run while it goes on; when that ends the run is loaded again.
function useLiveState(id: string, run: Run | undefined, reload: () => void) {
  const [state, setState] = useState<RunSummary | null>(null);
  const isRunning = run?.state === 'running';
  useEffect(() => {
    if (!isRunning) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = async () => {
      let last: RunSummary | undefined;
      try {
        for await (const json of client.runStates(id, stop.signal)) {
          last = readSummary(json);
          if (last && !stop.signal.aborted) setState(last);
        }
      } catch {
        // Looked at again below, where a failure is shown.
      }
      if (stop.signal.aborted) return;
      if (last && last.state !== 'running') {
        const { announceDone, announceState, states } = t.value.runs;
        announce(last.state === 'done' ? announceDone(id) : announceState(id, states[last.state]));
        setState(null);
        reload();
      }
      // Unless what is loaded now says that it is over.
      timer = setTimeout(() => void follow(), RETRY_MS);
    };
    void follow();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, isRunning, reload]);
  return isRunning ? state : null;
}

function RunView({ run }: { run: Run }) {
  const texts = t.value.runs;
  return (
    <>
      <div class="model-hero">
        <h1>{run.title || run.id}</h1>
        <p class="model-name">
          {[texts.kinds[run.kind], run.model].filter((part) => part !== '').join(' · ')}
        </p>
        <ul class="chips">
          <li class={`state ${run.state}`}>{texts.states[run.state]}</li>
          {run.updatedMs !== undefined && <li>{formatDate(run.updatedMs)}</li>}
        </ul>
        <div class="run-actions">
          {run.kind === 'evaluation' && run.scores.length > 0 && (
            <PageAnchor class="button" to={{ page: 'compare', a: run.id, b: '' }}>
              <Icon name="swap" size={16} />
              {texts.compareWith}
            </PageAnchor>
          )}
          {run.hasPage && <PageLink id={run.id} />}
        </div>
      </div>
      {run.problem && <p class="model-problem">{`${texts.problem}: ${run.problem}`}</p>}
      {run.progress && run.state !== 'done' && (
        <RunProgress name={run.id} progress={run.progress} />
      )}
      {run.state !== 'running' && run.state !== 'done' && run.kind === 'evaluation' && (
        <section class="card" aria-label={texts.states[run.state]}>
          <p class="model-note">{texts.interruptedAdvice}</p>
          <Commands rows={[[`lathe eval … --output ${run.folder}`]]} />
        </section>
      )}
      <Results run={run} />
      <RawJson title={texts.raw} json={run.results ?? run.report ?? run.choice ?? run} />
    </>
  );
}

function Results({ run }: { run: Run }) {
  if (run.kind === 'quantization' && run.report) {
    return <QuantizationView report={readQuantization(run.report)} />;
  }
  if (run.kind === 'choice' && run.choice) return <ChoiceView choice={readChoice(run.choice)} />;
  if (run.kind === 'evaluation' && run.scores.length > 0) return <EvaluationView run={run} />;
  return run.problem ? null : <p class="model-note">{t.value.runs.notYet}</p>;
}

// A link cannot carry a key: with one, the page is fetched and saved.
function PageLink({ id }: { id: string }) {
  const texts = t.value.runs;
  if (!apiKey.value) {
    return (
      <a class="button" href={client.runPageAddress(id)} target="_blank" rel="noopener noreferrer">
        <Icon name="open" size={16} />
        {texts.openPage}
      </a>
    );
  }
  const save = async () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await client.runPage(id));
    link.download = `${id}.html`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <button type="button" class="button" onClick={() => void save()}>
      <Icon name="download" size={16} />
      {texts.savePage}
    </button>
  );
}
