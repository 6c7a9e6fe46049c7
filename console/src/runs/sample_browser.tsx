import { useEffect, useId, useState } from 'preact/hooks';
import { client } from '../app/services';
import { t } from '../i18n';
import { formatDigits, formatScore, formatWhole } from '../ui/format';
import { IconButton } from '../ui/icon_button';
import { useLoaded } from './load';
import { RunFailure } from './run_failure';
import { lastPart, readSamples, type Sample, type SamplePage } from './runs';

const PAGE = 20;
const TYPING_MS = 300;

type Outcome = '' | 'right' | 'wrong';
const OUTCOMES: readonly Outcome[] = ['', 'right', 'wrong'];

// Question, target and answer of each document of a task, to be filtered and searched.
export function SampleBrowser({ run, tasks }: { run: string; tasks: readonly string[] }) {
  const [task, setTask] = useState(tasks[0] ?? '');
  const [filter, setFilter] = useState('');
  const [outcome, setOutcome] = useState<Outcome>('');
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  const [offset, setOffset] = useState(0);
  useEffect(() => {
    if (typed === search) return undefined;
    const timer = setTimeout(() => {
      setSearch(typed);
      setOffset(0);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, search]);

  const query = { task, filter, outcome, search, offset, limit: PAGE };
  const { value, failure, reload } = useLoaded(JSON.stringify([run, query]), async () =>
    readSamples(await client.samples(run, query)),
  );
  // While the next page comes the one before stays, so that nothing jumps.
  const [shown, setShown] = useState<{ page: SamplePage; offset: number } | null>(null);
  useEffect(() => {
    if (value) setShown({ page: value, offset });
  }, [value, offset]);
  const fromTheStart = <T,>(set: (value: T) => void) => {
    return (choice: T) => {
      set(choice);
      setOffset(0);
    };
  };
  return (
    <div class="samples">
      <div class="sample-controls">
        {tasks.length > 1 && (
          <Choice
            label={t.value.runs.task}
            value={task}
            choices={tasks.map((name) => [name, name])}
            onChange={(name) => {
              setFilter('');
              fromTheStart(setTask)(name);
            }}
          />
        )}
        {shown && shown.page.filters.length > 1 && (
          <Choice
            label={t.value.runs.filter}
            value={filter}
            choices={[
              ['', t.value.runs.allFilters],
              ...shown.page.filters.map((name): [string, string] => [name, name]),
            ]}
            onChange={fromTheStart(setFilter)}
          />
        )}
        <OutcomeChoice
          value={outcome}
          {...(shown ? { page: shown.page } : {})}
          onChange={fromTheStart(setOutcome)}
        />
        <input
          type="search"
          class="field sample-search"
          aria-label={t.value.runs.search}
          placeholder={t.value.runs.search}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      {failure && <RunFailure failure={failure} onRetry={reload} />}
      {shown && !failure && (
        <Page page={shown.page} offset={shown.offset} isOld={!value} onOffset={setOffset} />
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  choices: readonly (readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}

function Choice({ label, value, choices, onChange }: ChoiceProps) {
  return (
    <select
      class="field sample-choice"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {choices.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

function OutcomeChoice(props: {
  value: Outcome;
  page?: SamplePage;
  onChange: (value: Outcome) => void;
}) {
  const texts = t.value.runs;
  const name = useId();
  const { page } = props;
  const counts = page && { '': page.total, right: page.right, wrong: page.wrong };
  return (
    <fieldset class="memory-type">
      <legend class="visually-hidden">{texts.outcome}</legend>
      <span class="segments">
        {OUTCOMES.map((outcome) => (
          <label key={outcome}>
            <input
              type="radio"
              name={name}
              checked={outcome === props.value}
              onChange={() => props.onChange(outcome)}
            />
            {texts.outcomes[outcome]}
            {counts && <small class="numbers">&nbsp;{formatWhole(counts[outcome])}</small>}
          </label>
        ))}
      </span>
    </fieldset>
  );
}

function Page(props: {
  page: SamplePage;
  offset: number;
  isOld: boolean;
  onOffset: (offset: number) => void;
}) {
  const texts = t.value.runs;
  const { page, offset } = props;
  const last = offset + page.samples.length;
  return (
    <div aria-busy={props.isOld}>
      {page.samples.length === 0 && <p class="model-note">{texts.nothingFound}</p>}
      <ol class="sample-list">
        {page.samples.map((sample) => (
          <SampleView key={`${sample.docId} ${sample.filter}`} sample={sample} />
        ))}
      </ol>
      {page.brokenLines > 0 && (
        <p class="model-note">{texts.brokenLines(formatWhole(page.brokenLines))}</p>
      )}
      {page.matching > PAGE && (
        <div class="sample-pages">
          <IconButton
            icon="chevronLeft"
            label={texts.previous}
            disabled={offset === 0}
            onClick={() => props.onOffset(Math.max(0, offset - PAGE))}
          />
          <span class="numbers" role="status">
            {texts.page(formatWhole(offset + 1), formatWhole(last), formatWhole(page.matching))}
          </span>
          <IconButton
            icon="chevronRight"
            label={texts.next}
            disabled={last >= page.matching}
            onClick={() => props.onOffset(offset + PAGE)}
          />
        </div>
      )}
    </div>
  );
}

function SampleView({ sample }: { sample: Sample }) {
  const texts = t.value.runs;
  return (
    <li>
      <details class="sample">
        <summary>
          <Mark right={sample.right} />
          <span class="sample-id numbers" title={texts.document(String(sample.docId))}>
            {sample.docId}
          </span>
          <span class="sample-question">{lastPart(sample.question)}</span>
        </summary>
        <div class="sample-body">
          <Text name={texts.question} text={sample.question} />
          {sample.choices.length > 0 ? (
            <>
              {!sample.choices.some(({ isTarget }) => isTarget) && (
                <Text name={texts.target} text={sample.target} />
              )}
              <Choices sample={sample} />
            </>
          ) : (
            <>
              <Text name={texts.target} text={sample.target} />
              <Text name={texts.answer} text={sample.answer} />
              {sample.raw !== undefined && <Text name={texts.unfiltered} text={sample.raw} />}
            </>
          )}
          <p class="sample-metrics numbers">
            {[
              sample.filter === 'none' ? '' : sample.filter,
              ...sample.metrics.map(
                ([name, value]) =>
                  `${name} ${typeof value === 'number' ? formatScore(value) : value}`,
              ),
            ]
              .filter((part) => part !== '')
              .join(' · ')}
          </p>
        </div>
      </details>
    </li>
  );
}

function Mark({ right }: { right: boolean | undefined }) {
  const texts = t.value.runs;
  const kind = right === undefined ? 'undecided' : right ? 'right' : 'wrong';
  return (
    <span class={`mark-outcome ${kind}`} role="img" aria-label={texts[kind]} title={texts[kind]}>
      {right === undefined ? '–' : right ? '✓' : '✗'}
    </span>
  );
}

export function Text({ name, text }: { name: string; text: string }) {
  return (
    <div class="sample-text">
      <h3>{name}</h3>
      {text === '' ? <p class="model-note">{t.value.runs.nothing}</p> : <pre>{text}</pre>}
    </div>
  );
}

function Choices({ sample }: { sample: Sample }) {
  const texts = t.value.runs;
  return (
    <div class="table-scroll">
      <table class="type-table numbers">
        <thead>
          <tr>
            <th scope="col">{texts.choices}</th>
            <th scope="col">{texts.logLikelihood}</th>
          </tr>
        </thead>
        <tbody>
          {sample.choices.map((choice, index) => (
            <tr key={index}>
              <th scope="row" class="choice-text">
                {choice.text}
                {choice.isTarget && <small class="choice-note">{texts.isTarget}</small>}
                {choice.isChosen && <small class="choice-note">{texts.isAnswer}</small>}
              </th>
              <td>
                {choice.logLikelihood === undefined ? '' : formatDigits(choice.logLikelihood)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
