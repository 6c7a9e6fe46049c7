// A folder of runs for the tests: a real evaluation, and others made from it by hand.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBinary, type ServerUnderTest } from './server';

const TASK = fileURLToPath(new URL('../golden/eval/tasks/arc_easy.yaml', import.meta.url));

export const DOCUMENTS = 8;
export const REAL = 'smol-real';
export const CHANGED = 'smol-changed';
export const REPORT = 'precisions';
export const CHOICE = 'faq';

export interface SampleLine {
  doc_id: number;
  acc: number;
  arguments: { gen_args_0: { arg_0: string } };
  filtered_resps: [string, string][];
}

export class RunsFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'lathe-runs-'));

  write(run: string, file: string, content: string | object): void {
    mkdirSync(join(this.path, run), { recursive: true });
    const target = join(this.path, run, file);
    writeFileSync(`${target}.tmp`, typeof content === 'string' ? content : JSON.stringify(content));
    renameSync(`${target}.tmp`, target);
  }

  // The state of a run that goes on. It is dated ahead, so that however long the test takes it is
  // never old.
  writeProgress(run: string, state: string, done: number): void {
    const now = Date.now() / 1000;
    this.write(run, 'progress.json', {
      kind: 'evaluation',
      model: 'smollm2-135m',
      tasks: ['arc_easy_local'],
      state,
      done,
      total: DOCUMENTS,
      found: 0,
      started_unix: now,
      updated_unix: now + 36_000,
      seconds_left: 45,
    });
  }

  copy(from: string, to: string): void {
    cpSync(join(this.path, from), join(this.path, to), { recursive: true });
  }

  json(run: string, file: string): any {
    return JSON.parse(readFileSync(join(this.path, run, file), 'utf8'));
  }

  samples(run: string): SampleLine[] {
    return readFileSync(join(this.path, run, 'samples_arc_easy_local.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SampleLine);
  }

  writeSamples(run: string, samples: readonly SampleLine[]): void {
    const lines = samples.map((sample) => JSON.stringify(sample) + '\n');
    this.write(run, 'samples_arc_easy_local.jsonl', lines.join(''));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

// A server that shows the folder, which has in it: a real run, one in which the first document's
// score is the other one, a quantization report and a choice.
export async function serveRuns(folder: RunsFolder): Promise<ServerUnderTest> {
  const binary = process.env['LATHE_BINARY'];
  if (!binary) throw new Error('LATHE_BINARY must name the program: runs are made with it');
  execFileSync(binary, [
    ...['eval', '--model', 'smollm2-135m', '--activations', 'f32', '--tasks', TASK],
    ...['--limit', String(DOCUMENTS), '--output', join(folder.path, REAL)],
  ]);
  folder.copy(REAL, CHANGED);
  const samples = folder.samples(REAL);
  folder.writeSamples(
    CHANGED,
    samples.map((sample, index) => (index === 0 ? { ...sample, acc: 1 - sample.acc } : sample)),
  );
  folder.write(REPORT, 'report.json', REPORT_JSON);
  folder.write(REPORT, 'report.html', '<!doctype html><title>t</title><h1>The report itself</h1>');
  folder.write(CHOICE, 'choice.json', CHOICE_JSON);
  const server = await startBinary(binary, ['--runs', folder.path]);
  return {
    address: server.address,
    stop: async () => {
      await server.stop();
      folder.remove();
    },
  };
}

const precision = (types: string, megabytes: number, kl: number) => ({
  types,
  file_bytes: megabytes * 1_048_576,
  peak_resident_bytes: 300_000_000,
  prefill_tokens_per_second: 1234.5,
  decode_tokens_per_second: 98.7,
  perplexity: 12.345,
  kl_mean: kl,
  kl_p999: kl * 20,
  top1_agreement: 0.987,
  scores: { sums: { value: 0.5, low: 0.4, high: 0.6 } },
});

const REPORT_JSON = {
  model: 'smollm2-135m',
  text: 'README.md',
  positions: 1000,
  machine: 'a machine, 2 threads',
  candidates: [
    precision('source', 258, 0),
    precision('Q8_0', 138, 0.0004),
    precision('Q4_K_M', 100, 0.02),
  ],
};

const measured = (speed: number) => ({
  first_token_ms: 120,
  tokens_per_second: speed,
  memory_gib: 0.5,
  cost_per_million_tokens: null,
});

const CHOICE_JSON = {
  lathe_choice: 1,
  title: 'Questions of customers',
  machine: 'a machine',
  quick: false,
  limits: { memory_gib: 1 },
  currency: 'EUR',
  tasks: [{ name: 'faq', weight: 1, documents: 40 }],
  recommended: 'small-q8',
  ranking: [
    {
      name: 'small-q8',
      quality: 0.62,
      quality_interval: [0.5, 0.7],
      breaks: [],
      pareto: ['speed'],
    },
    {
      name: 'large-q4',
      quality: 0.7,
      quality_interval: [0.6, 0.8],
      breaks: ['memory_gib'],
      pareto: [],
      told_apart: false,
    },
  ],
  what_would_change_it: [
    { kind: 'relax', what: 'memory_gib', from: 1, to: 1.5, recommended_then: 'large-q4' },
  ],
  advice: { verdict: 'collect', quality: 0.62, examples: 20 },
  candidates: [
    { name: 'small-q8', stage: 'measured', measured: measured(90) },
    { name: 'large-q4', stage: 'measured', measured: measured(30) },
    { name: 'huge', stage: 'set_aside', set_aside: { limit: 'memory_gib' } },
  ],
};
