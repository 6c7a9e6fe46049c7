// report.json of a quantization and choice.json of the chooser, checked.
import { amount, defined, fields, list, number, text, texts } from '../api/json';

export interface Precision {
  name: string;
  fileBytes: number;
  residentBytes?: number;
  prefillRate?: number; // tokens a second
  decodeRate?: number;
  perplexity?: number;
  klMean?: number; // nats, from the source
  klHigh?: number; // at the 99.9th percentile
  sameTop?: number; // share of positions
  scores: { task: string; value: number; low: number; high: number }[];
}

export interface QuantizationReport {
  model: string;
  text: string;
  machine: string;
  positions?: number;
  rows: Precision[];
}

export function readQuantization(json: unknown): QuantizationReport {
  const top = fields(json);
  return {
    model: text(top['model']) ?? '',
    text: text(top['text']) ?? '',
    machine: text(top['machine']) ?? '',
    rows: list(top['candidates']).flatMap(readPrecision),
    ...defined({ positions: amount(top['positions']) }),
  };
}

function readPrecision(entry: unknown): Precision[] {
  const row = fields(entry);
  const name = text(row['types']);
  if (name === undefined) return [];
  return [
    {
      name,
      fileBytes: amount(row['file_bytes']) ?? 0,
      scores: Object.entries(fields(row['scores'])).flatMap(([task, value]) => {
        const score = fields(value);
        const [mean, low, high] = [score['value'], score['low'], score['high']].map(number);
        if (mean === undefined) return [];
        return [{ task, value: mean, low: low ?? mean, high: high ?? mean }];
      }),
      ...defined({
        residentBytes: positive(row['peak_resident_bytes']),
        prefillRate: positive(row['prefill_tokens_per_second']),
        decodeRate: positive(row['decode_tokens_per_second']),
        perplexity: positive(row['perplexity']),
        klMean: amount(row['kl_mean']),
        klHigh: amount(row['kl_p999']),
        sameTop: amount(row['top1_agreement']),
      }),
    },
  ];
}

export const LIMITS = [
  'first_token_ms',
  'tokens_per_second',
  'memory_gib',
  'cost_per_million_tokens',
] as const;
export type Limit = (typeof LIMITS)[number];

export type Costs = Partial<Record<Limit, number>>;

export interface Standing {
  name: string;
  quality: number; // 1: all right, 0: as good as guessing
  interval?: [low: number, high: number];
  breaks: Limit[];
  isFront: boolean; // nobody is better in quality and in a cost
  toldApart?: boolean; // from the recommended one; undefined of that itself
  costs: Costs;
}

export const CHANGE_KINDS = ['tighten', 'relax', 'weight'] as const;

export interface Change {
  kind: (typeof CHANGE_KINDS)[number];
  what: string; // a limit, or a task
  from?: number;
  to: number;
  then: string; // who is recommended then
}

export const VERDICTS = ['enough', 'tune', 'try_tuning', 'grow', 'collect'] as const;
export type AdviceVerdict = (typeof VERDICTS)[number];

export const FATES = ['set_aside', 'failed', 'dropped'] as const;

export interface Choice {
  title: string;
  machine: string;
  quick: boolean;
  recommended?: string;
  currency: string;
  limits: Costs;
  tasks: { name: string; weight: number; documents: number }[];
  ranking: Standing[];
  changes: Change[];
  advice?: AdviceVerdict;
  out: { name: string; fate: (typeof FATES)[number]; reason: string }[]; // not in the ranking
  languagesNotMeasured: string[];
}

export function readChoice(json: unknown): Choice {
  const top = fields(json);
  const candidates = list(top['candidates']).map(fields);
  const costsOf = (name: string) =>
    readCosts(candidates.find((candidate) => candidate['name'] === name)?.['measured']);
  return {
    title: text(top['title']) ?? '',
    machine: text(top['machine']) ?? '',
    quick: top['quick'] === true,
    currency: text(top['currency']) ?? '',
    limits: readCosts(top['limits']),
    tasks: list(top['tasks']).flatMap((entry) => {
      const row = fields(entry);
      const name = text(row['name']);
      return name === undefined
        ? []
        : [{ name, weight: amount(row['weight']) ?? 1, documents: amount(row['documents']) ?? 0 }];
    }),
    ranking: list(top['ranking']).flatMap((entry) => readStanding(entry, costsOf)),
    changes: list(top['what_would_change_it']).flatMap(readChange),
    out: candidates.flatMap((candidate) => {
      const name = text(candidate['name']);
      const fate = FATES.find((known) => known === candidate['stage']);
      if (name === undefined || fate === undefined) return [];
      return [{ name, fate, reason: reasonOf(candidate) }];
    }),
    languagesNotMeasured: texts(top['languages_not_measured']),
    ...defined({
      recommended: text(top['recommended']),
      advice: VERDICTS.find((verdict) => verdict === fields(top['advice'])['verdict']),
    }),
  };
}

// What is known without words: the limit that was broken, the better one, or the error.
function reasonOf(candidate: Record<string, unknown>): string {
  return (
    text(candidate['failure']) ??
    text(fields(candidate['dropped'])['for']) ??
    text(fields(candidate['set_aside'])['limit']) ??
    ''
  );
}

function readStanding(entry: unknown, costsOf: (name: string) => Costs): Standing[] {
  const row = fields(entry);
  const [name, quality] = [text(row['name']), number(row['quality'])];
  if (name === undefined || quality === undefined) return [];
  const [low, high] = list(row['quality_interval']).map(number);
  return [
    {
      name,
      quality,
      breaks: LIMITS.filter((limit) => texts(row['breaks']).includes(limit)),
      isFront: list(row['pareto']).length > 0,
      costs: costsOf(name),
      ...defined({
        interval:
          low !== undefined && high !== undefined ? ([low, high] as [number, number]) : undefined,
        toldApart: typeof row['told_apart'] === 'boolean' ? row['told_apart'] : undefined,
      }),
    },
  ];
}

function readChange(entry: unknown): Change[] {
  const row = fields(entry);
  const kind = CHANGE_KINDS.find((known) => known === row['kind']);
  const [what, then] = [text(row['what']), text(row['recommended_then'])];
  const to = number(row['to']);
  if (!kind || what === undefined || then === undefined || to === undefined) return [];
  return [{ kind, what, to, then, ...defined({ from: number(row['from']) }) }];
}

function readCosts(value: unknown): Costs {
  const row = fields(value);
  return Object.fromEntries(
    LIMITS.flatMap((limit) => {
      const found = amount(row[limit]);
      return found === undefined ? [] : [[limit, found]];
    }),
  );
}

function positive(value: unknown): number | undefined {
  const found = amount(value);
  return found === 0 ? undefined : found;
}
