// What the routes of runs answer, checked. Whatever is missing or of another type is left
// out, and the pages show what there is.
import { amount, defined, fields, list, number, text, texts, type Fields } from '../api/json';

export const RUN_KINDS = ['evaluation', 'quantization', 'choice'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

export const RUN_STATES = ['running', 'done', 'failed', 'stopped', 'interrupted'] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface Score {
  task: string;
  alias: string;
  metric: string;
  filter: string;
  value: number;
  standardError?: number;
  higherIsBetter?: boolean;
  documents?: number;
  shots?: string;
  version?: string;
  isGroup: boolean;
}

export interface Progress {
  done: number;
  total: number;
  found: number; // done before this attempt
  secondsLeft?: number;
}

export interface RunSummary {
  id: string;
  kind: RunKind;
  state: RunState;
  title: string; // of a choice
  model: string;
  tasks: string[];
  headline: Score[];
  progress?: Progress;
  updatedMs?: number;
  problem?: string; // what is wrong with its files
}

export interface Run extends RunSummary {
  folder: string;
  hasPage: boolean;
  scores: Score[];
  sampledTasks: string[];
  warnings: string[];
  config: [name: string, value: string][];
  results?: unknown; // results.json
  report?: unknown; // report.json of a quantization
  choice?: unknown; // choice.json
}

export interface RunList {
  folder: string;
  runs: RunSummary[];
}

export function readRunList(json: unknown): RunList {
  const top = fields(json);
  return {
    folder: text(top['folder']) ?? '',
    runs: list(top['data']).flatMap((entry) => readSummary(entry) ?? []),
  };
}

export function readSummary(json: unknown): RunSummary | undefined {
  const run = fields(json);
  const id = text(run['id']);
  if (id === undefined) return undefined;
  const updated = amount(run['updated_unix']);
  const finished = amount(run['date_unix']);
  return {
    id,
    kind: RUN_KINDS.find((kind) => kind === run['kind']) ?? 'evaluation',
    state: RUN_STATES.find((state) => state === run['state']) ?? 'interrupted',
    title: text(run['title']) ?? '',
    model: text(run['model']) ?? '',
    tasks: texts(run['tasks']),
    headline: readScores(run['headline']),
    ...defined({
      progress: readProgress(run['progress']),
      updatedMs: milliseconds(updated ?? finished),
      problem: text(run['problem']),
    }),
  };
}

export function readRun(json: unknown): Run | undefined {
  const summary = readSummary(json);
  if (!summary) return undefined;
  const run = fields(json);
  return {
    ...summary,
    folder: text(run['folder']) ?? '',
    hasPage: run['has_page'] === true,
    scores: readScores(run['scores']),
    sampledTasks: texts(run['sampled_tasks']),
    warnings: texts(run['warnings']),
    config: readConfig(run['config']),
    ...defined({ results: run['results'], report: run['report'], choice: run['choice'] }),
  };
}

// The state of a run that was shown before, from an event.
export function withState(run: Run, summary: RunSummary): Run {
  const { progress: _, ...rest } = run;
  return {
    ...rest,
    state: summary.state,
    ...defined({ progress: summary.progress, updatedMs: summary.updatedMs ?? run.updatedMs }),
  };
}

function readScores(value: unknown): Score[] {
  return list(value).flatMap((entry) => {
    const row = fields(entry);
    const [task, metric, score] = [text(row['task']), text(row['metric']), number(row['value'])];
    if (task === undefined || metric === undefined || score === undefined) return [];
    return [
      {
        task,
        alias: text(row['alias']) ?? task,
        metric,
        filter: text(row['filter']) ?? '',
        value: score,
        isGroup: row['is_group'] === true,
        ...defined({
          standardError: amount(row['stderr']),
          higherIsBetter: flag(row['higher_is_better']),
          documents: amount(row['documents']),
          shots: plain(row['shots']),
          version: plain(row['version']),
        }),
      },
    ];
  });
}

function readProgress(value: unknown): Progress | undefined {
  const row = fields(value);
  const [done, total] = [amount(row['done']), amount(row['total'])];
  if (done === undefined || total === undefined) return undefined;
  return {
    done,
    total,
    found: amount(row['found']) ?? 0,
    ...defined({ secondsLeft: amount(row['seconds_left']) }),
  };
}

// What the run was asked to do; nested objects are flattened, nothing is left out but null.
function readConfig(value: unknown): [string, string][] {
  return Object.entries(fields(value)).flatMap(([name, entry]): [string, string][] => {
    const inner = Object.entries(fields(entry));
    if (inner.length > 0) {
      return inner.flatMap(([key, deep]): [string, string][] =>
        deep === null ? [] : [[`${name}.${key}`, shown(deep)]],
      );
    }
    return entry === null ? [] : [[name, shown(entry)]];
  });
}

export interface SampleChoice {
  text: string;
  logLikelihood?: number;
  isTarget: boolean;
  isChosen: boolean; // the model's answer, as the metric that decides has it
}

export interface Sample {
  docId: number;
  filter: string;
  question: string;
  target: string;
  answer: string;
  raw?: string; // before the filter
  right?: boolean; // undefined: no metric decides
  metrics: [name: string, value: string | number][];
  choices: SampleChoice[];
}

export interface SamplePage {
  filters: string[];
  total: number;
  right: number;
  wrong: number;
  matching: number;
  brokenLines: number;
  samples: Sample[];
}

export function readSamples(json: unknown): SamplePage {
  const top = fields(json);
  return {
    filters: texts(top['filters']),
    total: amount(top['total']) ?? 0,
    right: amount(top['right']) ?? 0,
    wrong: amount(top['wrong']) ?? 0,
    matching: amount(top['matching']) ?? 0,
    brokenLines: amount(top['broken_lines']) ?? 0,
    samples: list(top['samples']).flatMap((entry) => readSample(fields(entry))),
  };
}

function readSample(row: Fields): Sample[] {
  const docId = number(row['doc_id']);
  if (docId === undefined) return [];
  return [
    {
      docId,
      filter: text(row['filter']) ?? '',
      question: text(row['question']) ?? '',
      target: text(row['target']) ?? '',
      answer: text(row['answer']) ?? '',
      metrics: Object.entries(fields(row['metrics'])).map(([name, value]) => [
        name,
        number(value) ?? shown(value),
      ]),
      choices: list(row['choices']).map((entry) => {
        const choice = fields(entry);
        return {
          text: text(choice['text']) ?? '',
          isTarget: choice['is_target'] === true,
          isChosen: choice['is_chosen'] === true,
          ...defined({ logLikelihood: number(choice['loglikelihood']) }),
        };
      }),
      ...defined({ raw: text(row['raw']), right: flag(row['right']) }),
    },
  ];
}

// The question of a prompt with examples is its last part.
export function lastPart(question: string): string {
  return (
    question
      .trim()
      .split(/\n\s*\n/)
      .at(-1)
      ?.trim() ?? ''
  );
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function plain(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : text(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
