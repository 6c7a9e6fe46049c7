// GET /v1/runs/{id}/comparison, checked.
import { amount, defined, fields, list, number, text, texts } from '../api/json';

// What the server says of b against a; 'unknown' from a server that says nothing.
const VERDICTS = ['better', 'worse', 'open', 'same'] as const;
export type Verdict = (typeof VERDICTS)[number] | 'unknown';

export interface TaskComparison {
  task: string;
  metric: string;
  filter: string;
  documents: number;
  a: number;
  b: number;
  difference: number; // b - a
  interval?: [low: number, high: number];
  wins: number; // documents on which b is better
  losses: number;
  ties: number;
  p?: number; // corrected for the number of comparisons where the server does that
  test: string;
  higherIsBetter: boolean;
  verdict: Verdict;
  alpha?: number; // p up to here tells apart
  documentsNeeded?: number; // of 'open', to tell a difference of this size
  shareDifferingMax?: number; // of 'same', among documents that were not asked
}

export interface ChangedDocument {
  task: string;
  metric: string;
  filter: string;
  docId: number;
  a: number;
  b: number;
  question: string;
  target: string;
  answerA: string;
  answerB: string;
}

export interface Comparison {
  tasks: TaskComparison[];
  changed: ChangedDocument[];
  changedTotal: number; // also those that were not sent
  warnings: string[];
}

export function readComparison(json: unknown): Comparison {
  const top = fields(json);
  const changed = list(top['changed']).flatMap(readChanged);
  return {
    tasks: list(top['tasks']).flatMap(readTask),
    changed,
    changedTotal: amount(top['changed_total']) ?? changed.length,
    warnings: texts(top['warnings']),
  };
}

function readTask(entry: unknown): TaskComparison[] {
  const row = fields(entry);
  const [task, metric] = [text(row['task']), text(row['metric'])];
  const [a, b, difference] = [number(row['a']), number(row['b']), number(row['difference'])];
  if (task === undefined || metric === undefined) return [];
  if (a === undefined || b === undefined || difference === undefined) return [];
  const [low, high] = list(row['interval']).map(number);
  return [
    {
      task,
      metric,
      filter: text(row['filter']) ?? '',
      documents: amount(row['documents']) ?? 0,
      a,
      b,
      difference,
      wins: amount(row['wins']) ?? 0,
      losses: amount(row['losses']) ?? 0,
      ties: amount(row['ties']) ?? 0,
      test: text(row['test']) ?? '',
      higherIsBetter: row['higher_is_better'] !== false,
      verdict: VERDICTS.find((name) => name === row['verdict']) ?? 'unknown',
      ...defined({
        interval:
          low !== undefined && high !== undefined ? ([low, high] as [number, number]) : undefined,
        p: amount(row['p_corrected']) ?? amount(row['p']),
        alpha: amount(row['alpha']),
        documentsNeeded: amount(row['documents_needed']),
        shareDifferingMax: amount(row['share_differing_max']),
      }),
    },
  ];
}

function readChanged(entry: unknown): ChangedDocument[] {
  const row = fields(entry);
  const [task, docId] = [text(row['task']), number(row['doc_id'])];
  if (task === undefined || docId === undefined) return [];
  return [
    {
      task,
      docId,
      metric: text(row['metric']) ?? '',
      filter: text(row['filter']) ?? '',
      a: number(row['a']) ?? 0,
      b: number(row['b']) ?? 0,
      question: text(row['question']) ?? '',
      target: text(row['target']) ?? '',
      answerA: text(row['a_answer']) ?? '',
      answerB: text(row['b_answer']) ?? '',
    },
  ];
}
