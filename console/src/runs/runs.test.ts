import { describe, expect, it } from 'vitest';
import { en } from '../i18n/en';
import { zh } from '../i18n/zh';
import { readComparison } from './comparison';
import { readChoice, readQuantization } from './reports';
import { linearTicks, logarithmicTicks } from './scatter_plot';
import { lastPart, readRun, readRunList, readSamples, readSummary, withState } from './runs';

const FOREIGN: unknown[] = [
  null,
  3,
  'x',
  [],
  [null],
  {},
  { data: 3, tasks: [3, null], changed: [{}], candidates: [null, 3], ranking: 'x' },
  { data: [null, {}, { id: 3 }], samples: [{}, { doc_id: 'x' }], headline: [{ value: 'x' }] },
];

describe('runs', () => {
  const json = {
    id: 'a',
    kind: 'evaluation',
    state: 'running',
    model: 'smol',
    tasks: ['arc', 3],
    headline: [
      { task: 'arc', metric: 'acc', filter: 'none', value: 0.5, stderr: null, is_group: false },
      { task: 'arc', metric: 'acc', value: 'N/A' },
    ],
    progress: { done: 3, total: 8, found: 1, seconds_left: 7.5 },
    updated_unix: 2000.5,
    config: { model: 'lathe', limit: 8, seed: null, model_args: { model: 'smol', kv: null } },
    warnings: ['w', 1],
  };

  it('are read with what is there', () => {
    expect(readRunList({ folder: '/runs', data: [json] })).toEqual({
      folder: '/runs',
      runs: [
        {
          id: 'a',
          kind: 'evaluation',
          state: 'running',
          title: '',
          model: 'smol',
          tasks: ['arc'],
          headline: [
            {
              task: 'arc',
              alias: 'arc',
              metric: 'acc',
              filter: 'none',
              value: 0.5,
              isGroup: false,
            },
          ],
          progress: { done: 3, total: 8, found: 1, secondsLeft: 7.5 },
          updatedMs: 2_000_500,
        },
      ],
    });
  });

  it('show their configuration flat, without what was not set', () => {
    expect(readRun(json)?.config).toEqual([
      ['model', 'lathe'],
      ['limit', '8'],
      ['model_args.model', 'smol'],
    ]);
    expect(readRun(json)?.warnings).toEqual(['w']);
  });

  it('take over a later state and forget the progress that it does not have', () => {
    const run = readRun(json);
    const later = readSummary({ id: 'a', state: 'done', updated_unix: 3000 });
    if (!run || !later) throw new Error('not read');
    expect(withState(run, later)).toMatchObject({ state: 'done', updatedMs: 3_000_000 });
    expect(withState(run, later)).not.toHaveProperty('progress');
  });

  it('and their samples survive anything', () => {
    for (const foreign of FOREIGN) {
      expect(readRunList(foreign).runs).toEqual([]);
      expect(readRun(foreign)).toBeUndefined();
      expect(readSamples(foreign).samples).toEqual([]);
      expect(readComparison(foreign).tasks).toEqual([]);
      expect(readQuantization(foreign).rows).toEqual([]);
      expect(readChoice(foreign).ranking).toEqual([]);
    }
  });
});

describe('samples', () => {
  it('are read with their choices and metrics', () => {
    const page = readSamples({
      filters: ['none'],
      total: 2,
      right: 1,
      wrong: 1,
      matching: 2,
      samples: [
        {
          doc_id: 4,
          question: 'Q',
          target: ' yes',
          answer: ' no',
          right: false,
          metrics: { acc: 0, bleu: '[1,2]' },
          choices: [
            { text: ' yes', loglikelihood: -2, is_target: true },
            { text: ' no', is_chosen: true },
          ],
        },
      ],
    });
    expect(page).toMatchObject({ total: 2, right: 1, brokenLines: 0 });
    expect(page.samples[0]).toMatchObject({
      docId: 4,
      right: false,
      metrics: [
        ['acc', 0],
        ['bleu', '[1,2]'],
      ],
      choices: [
        { text: ' yes', logLikelihood: -2, isTarget: true, isChosen: false },
        { text: ' no', isTarget: false, isChosen: true },
      ],
    });
  });

  it('show the last question of a prompt with examples', () => {
    expect(lastPart('Q: 1 + 1?\nA: 2\n\nQ: 2 + 2?\nA:')).toBe('Q: 2 + 2?\nA:');
    expect(lastPart('  one  ')).toBe('one');
    expect(lastPart('')).toBe('');
  });
});

describe('a comparison', () => {
  const row = (more: object) => {
    const [read] = readComparison({
      tasks: [{ task: 't', metric: 'm', a: 0.4, b: 0.6, difference: 0.2, wins: 5, ...more }],
    }).tasks;
    if (!read) throw new Error('not read');
    return read;
  };

  it('leaves the verdict and its numbers to the server', () => {
    const better = row({ verdict: 'better', p: 0.9, difference: -0.2, alpha: 0.05 });
    expect(better).toMatchObject({ verdict: 'better', alpha: 0.05 });
    expect(better).not.toHaveProperty('documentsNeeded');
    expect(
      row({ verdict: 'open', documents_needed: 1975, share_differing_max: null }),
    ).toMatchObject({ verdict: 'open', documentsNeeded: 1975 });
    expect(row({ verdict: 'same', share_differing_max: 0.058 }).shareDifferingMax).toBe(0.058);
    for (const verdict of [undefined, null, 'a', 3, 'unknown'])
      expect(row({ p: 0.01, verdict }).verdict).toBe('unknown');
  });

  it('has words for every verdict in every language', () => {
    for (const texts of [en.runs, zh.runs])
      for (const verdict of ['better', 'worse', 'open', 'same', 'unknown'] as const)
        expect(texts.verdicts[verdict]('arc acc', '60')).toMatch(/arc acc.*60/);
    expect(en.runs.verdicts.better('t', '1')).toContain('B is better');
    expect(zh.runs.verdicts.worse('t', '1')).toContain('B 比 A 差');
  });

  it('counts the changed documents that were not sent', () => {
    const changed = [{ task: 't', doc_id: 0, a: 0, b: 1 }];
    expect(readComparison({ changed }).changedTotal).toBe(1);
    expect(readComparison({ changed, changed_total: 700 }).changedTotal).toBe(700);
  });
});

describe('reports', () => {
  it('of precisions leave out what was not measured', () => {
    const { rows } = readQuantization({
      candidates: [
        { types: 'Q8_0', file_bytes: 100, kl_mean: 0, decode_tokens_per_second: 0 },
        { types: 'Q4_0', scores: { t: { value: 0.5 }, u: 3 } },
        { file_bytes: 1 },
      ],
    });
    expect(rows.map(({ name }) => name)).toEqual(['Q8_0', 'Q4_0']);
    expect(rows[0]).toMatchObject({ fileBytes: 100, klMean: 0 });
    expect(rows[0]).not.toHaveProperty('decodeRate');
    expect(rows[1]?.scores).toEqual([{ task: 't', value: 0.5, low: 0.5, high: 0.5 }]);
  });

  it('of the chooser join the ranking with what was measured', () => {
    const choice = readChoice({
      recommended: 'a',
      ranking: [
        { name: 'a', quality: 0.6, breaks: ['memory_gib', 'beauty'], pareto: ['speed'] },
        { name: 'b', quality: 0.5, told_apart: true, quality_interval: [0.4, 0.6] },
      ],
      candidates: [
        { name: 'a', stage: 'measured', measured: { tokens_per_second: 20, memory_gib: null } },
        { name: 'c', stage: 'failed', failure: 'no such file' },
        { name: 'd', stage: 'dropped', dropped: { for: 'a' } },
      ],
      what_would_change_it: [{ kind: 'odd' }],
    });
    expect(choice.ranking[0]).toEqual({
      name: 'a',
      quality: 0.6,
      breaks: ['memory_gib'],
      isFront: true,
      costs: { tokens_per_second: 20 },
    });
    expect(choice.ranking[1]).toMatchObject({ toldApart: true, interval: [0.4, 0.6] });
    expect(choice.out).toEqual([
      { name: 'c', fate: 'failed', reason: 'no such file' },
      { name: 'd', fate: 'dropped', reason: 'a' },
    ]);
    expect(choice.changes).toEqual([]);
  });
});

describe('the scales of a plot', () => {
  it('have round numbers', () => {
    expect(linearTicks(24.8, 95.2)).toEqual([40, 60, 80]);
    expect(linearTicks(0.92, 1.08).map((tick) => tick.toFixed(2))).toEqual([
      '0.95',
      '1.00',
      '1.05',
    ]);
  });

  it('have powers of ten where they are logarithmic, or parts of them', () => {
    expect(logarithmicTicks(-3.2, 0.1)).toEqual([-3, -2, -1, 0]);
    expect(logarithmicTicks(-2.1, -1.2).map((place) => (10 ** place).toFixed(3))).toEqual([
      '0.010',
      '0.020',
      '0.050',
    ]);
  });
});
