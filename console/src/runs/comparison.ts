// GET /v1/runs/{id}/comparison, checked, and what may be concluded from it.
import { amount, defined, fields, list, number, text, texts } from '../api/json';

const ALPHA = 0.05;

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
      ...defined({
        interval:
          low !== undefined && high !== undefined ? ([low, high] as [number, number]) : undefined,
        p: amount(row['p_corrected']) ?? amount(row['p']),
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

// Which run is better, as far as the test allows to say so; the same rule by which
// `lathe eval diff` speaks.
export type Verdict = 'same' | 'a' | 'b' | 'open';

export function verdictOf(row: TaskComparison): Verdict {
  if (row.wins + row.losses === 0) return 'same';
  if (row.p === undefined || row.p > ALPHA) return 'open';
  return row.difference > 0 === row.higherIsBetter ? 'b' : 'a';
}
