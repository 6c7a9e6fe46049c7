import { PageFrame } from '../app/page_frame';
import { navigate } from '../app/router';
import { client } from '../app/services';
import { t } from '../i18n';
import { Card } from '../ui/card';
import { formatDifference, formatDigits, formatScore, formatWhole } from '../ui/format';
import { IconButton } from '../ui/icon_button';
import { Commands, EVALUATE } from './commands';
import {
  readComparison,
  type ChangedDocument,
  type Comparison,
  type TaskComparison,
} from './comparison';
import { BackToRuns, Warnings } from './frame_parts';
import { IntervalPlot } from './interval_plot';
import { useLoaded } from './load';
import { RunFailure } from './run_failure';
import { lastPart, type RunSummary } from './runs';
import { loadRuns } from './runs_page';
import { Text } from './sample_browser';

// The runs by their letters, the same in every language.
const [A, B] = ['A', 'B'] as const;

const show = (a: string, b: string) => navigate({ page: 'compare', a, b }, 'replace');

export function ComparePage({ a, b }: { a: string; b: string }) {
  const texts = t.value.runs;
  const { value, failure, reload } = useLoaded('runs', loadRuns);
  const runs = (value?.runs ?? []).filter(
    ({ kind, headline }) => kind === 'evaluation' && headline.length > 0,
  );
  return (
    <PageFrame title={<BackToRuns />}>
      <div class="runs-head">
        <h1>{texts.compareTitle}</h1>
      </div>
      <p class="model-note">{texts.compareHelp}</p>
      {failure && <RunFailure failure={failure} onRetry={reload} />}
      {value && runs.length < 2 && (
        <section class="card" aria-label={texts.compareTitle}>
          <p class="model-note">{texts.compareEmpty}</p>
          <Commands rows={[[EVALUATE]]} />
        </section>
      )}
      {runs.length >= 2 && (
        <div class="compare-choice">
          <RunChoice label={texts.baseline} runs={runs} value={a} onChange={(id) => show(id, b)} />
          <IconButton icon="swap" label={texts.swap} onClick={() => show(b, a)} />
          <RunChoice label={texts.candidate} runs={runs} value={b} onChange={(id) => show(a, id)} />
        </div>
      )}
      {a !== '' && b !== '' && <Compared key={`${a}/${b}`} a={a} b={b} />}
    </PageFrame>
  );
}

function RunChoice(props: {
  label: string;
  runs: readonly RunSummary[];
  value: string;
  onChange: (id: string) => void;
}) {
  const { runs, value } = props;
  return (
    <label class="compare-run">
      <span>{props.label}</span>
      <select
        class="field"
        value={value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        <option value="">{t.value.runs.choose}</option>
        {value !== '' && !runs.some(({ id }) => id === value) && (
          <option value={value}>{value}</option>
        )}
        {runs.map(({ id, model }) => (
          <option key={id} value={id}>
            {model && !id.startsWith(model) ? `${id} (${model})` : id}
          </option>
        ))}
      </select>
    </label>
  );
}

function Compared({ a, b }: { a: string; b: string }) {
  const texts = t.value.runs;
  const { value, failure, reload } = useLoaded(`${a}/${b}`, async () =>
    readComparison(await client.comparison(a, b)),
  );
  if (failure) return <RunFailure failure={failure} onRetry={reload} />;
  if (!value) return <p class="model-note">{texts.comparing}</p>;
  return (
    <>
      <Warnings warnings={value.warnings} />
      <Card title={texts.difference}>
        <DifferenceTable rows={value.tasks} />
        <p class="model-note">{texts.pCorrected(formatDigits(value.tasks[0]?.alpha ?? 0.05))}</p>
      </Card>
      <Card title={texts.conclusions}>
        <ul class="conclusions">
          {value.tasks.map((row) => (
            <li key={keyOf(row)} class={row.verdict}>
              <Conclusion row={row} />
            </li>
          ))}
        </ul>
      </Card>
      <Card title={texts.changedDocuments}>
        <Changed comparison={value} />
      </Card>
    </>
  );
}

// The server's verdict in the reader's language.
function Conclusion({ row }: { row: TaskComparison }) {
  const texts = t.value.runs;
  const { documentsNeeded, shareDifferingMax } = row;
  return (
    <>
      {texts.verdicts[row.verdict](nameOf(row), formatWhole(row.documents))}
      {documentsNeeded !== undefined && ` ${texts.documentsNeeded(formatWhole(documentsNeeded))}`}
      {shareDifferingMax !== undefined &&
        ` ${texts.shareDifferingMax(formatDigits(shareDifferingMax * 100))}`}
    </>
  );
}

const keyOf = ({ task, metric, filter }: TaskComparison) => `${task} ${metric} ${filter}`;

const nameOf = ({ task, metric, filter }: { task: string; metric: string; filter: string }) =>
  filter === '' || filter === 'none' ? `${task} ${metric}` : `${task} ${metric} (${filter})`;

// The farthest end of any interval, so that all rows have one scale.
function reachOf(rows: readonly TaskComparison[]): number {
  return Math.max(
    ...rows.flatMap(({ difference, interval }) => [difference, ...(interval ?? [])].map(Math.abs)),
    1e-9,
  );
}

function DifferenceTable({ rows }: { rows: readonly TaskComparison[] }) {
  const texts = t.value.runs;
  const tones = {
    better: 'better',
    worse: 'worse',
    open: 'open',
    same: 'open',
    unknown: 'open',
  } as const;
  const shares = reachOf(rows.filter(({ a, b }) => Math.max(Math.abs(a), Math.abs(b)) <= 1));
  return (
    <div class="table-scroll">
      <table class="type-table score-table numbers">
        <thead>
          <tr>
            <th scope="col">{texts.task}</th>
            <th scope="col">{A}</th>
            <th scope="col">{B}</th>
            <th scope="col" class="plot-column optional">
              {texts.interval}
            </th>
            <th scope="col">{texts.difference}</th>
            <th scope="col" class="optional">
              {texts.wins}
            </th>
            <th scope="col" class="optional">
              {texts.losses}
            </th>
            <th scope="col" class="optional">
              {texts.ties}
            </th>
            <th scope="col">{texts.pValue}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const isShare = Math.max(Math.abs(row.a), Math.abs(row.b)) <= 1;
            const reach = isShare ? shares : reachOf([row]);
            return (
              <tr key={keyOf(row)}>
                <th scope="row">
                  {nameOf(row)}
                  {!row.higherIsBetter && <small> ({texts.lowerIsBetter})</small>}
                </th>
                <td>{formatScore(row.a)}</td>
                <td>{formatScore(row.b)}</td>
                <td class="plot-column optional">
                  <IntervalPlot
                    value={row.difference}
                    from={-reach}
                    to={reach}
                    mark={0}
                    format={formatDifference}
                    tone={tones[row.verdict]}
                    {...(row.interval ? { interval: row.interval } : {})}
                  />
                </td>
                <td>{formatDifference(row.difference)}</td>
                <td class="optional">{formatWhole(row.wins)}</td>
                <td class="optional">{formatWhole(row.losses)}</td>
                <td class="optional">{formatWhole(row.ties)}</td>
                <td>{row.p === undefined ? '' : formatDigits(row.p)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Changed({ comparison }: { comparison: Comparison }) {
  const texts = t.value.runs;
  const { changed, changedTotal } = comparison;
  if (changed.length === 0) return <p class="model-note">{texts.noChanged}</p>;
  return (
    <>
      {changedTotal > changed.length && (
        <p class="model-note">
          {texts.changedShown(formatWhole(changed.length), formatWhole(changedTotal))}
        </p>
      )}
      <ol class="sample-list changed-list">
        {changed.map((document) => (
          <li key={`${nameOf(document)} ${document.docId}`}>
            <ChangedView document={document} />
          </li>
        ))}
      </ol>
    </>
  );
}

function ChangedView({ document }: { document: ChangedDocument }) {
  const texts = t.value.runs;
  return (
    <details class="sample">
      <summary>
        <span class="changed-score numbers">
          {texts.became(formatDigits(document.a), formatDigits(document.b))}
        </span>
        <span class="sample-id numbers" title={texts.document(String(document.docId))}>
          {document.docId}
        </span>
        <span class="sample-question">{lastPart(document.question)}</span>
      </summary>
      <div class="sample-body">
        <Text name={texts.question} text={document.question} />
        <Text name={texts.target} text={document.target} />
        <Text name={texts.answerOf(A)} text={document.answerA} />
        <Text name={texts.answerOf(B)} text={document.answerB} />
        <p class="sample-metrics">{nameOf(document)}</p>
      </div>
    </details>
  );
}
