import { describe, expect, it } from 'vitest';
import { SAMPLING_CONTROLS, parseControl, readSampling, withControl } from './sampling';

const control = (key: string) => {
  const found = SAMPLING_CONTROLS.find((candidate) => candidate.key === key);
  if (!found) throw new Error(key);
  return found;
};

describe('sampling controls', () => {
  it('take what is typed to the nearest value they can hold', () => {
    expect(parseControl(control('temperature'), '0.7')).toBe(0.7);
    expect(parseControl(control('temperature'), '0,7')).toBe(0.7);
    expect(parseControl(control('temperature'), '-1')).toBe(0);
    expect(parseControl(control('temperature'), '99')).toBe(2);
    expect(parseControl(control('top_k'), '40.4')).toBe(40);
    expect(parseControl(control('seed'), '42')).toBe(42);
  });

  it('are unset by nothing and by nonsense', () => {
    expect(parseControl(control('top_p'), ' ')).toBeUndefined();
    expect(parseControl(control('top_p'), 'warm')).toBeUndefined();
    expect(withControl({ top_p: 0.5, seed: 1 }, 'top_p', undefined)).toEqual({ seed: 1 });
    expect(withControl({ seed: 1 }, 'top_p', 0.5)).toEqual({ seed: 1, top_p: 0.5 });
  });

  it('read stored settings and drop what cannot be', () => {
    expect(readSampling({ temperature: 5, top_k: 'x', seed: null, other: 3, min_p: 0.05 })).toEqual(
      {
        temperature: 2,
        min_p: 0.05,
      },
    );
    for (const foreign of [null, 3, 'x', [], undefined]) expect(readSampling(foreign)).toEqual({});
  });

  it('rest within their range', () => {
    for (const { neutral, min, max } of SAMPLING_CONTROLS) {
      if (neutral === undefined) continue;
      expect(neutral).toBeGreaterThanOrEqual(min);
      expect(neutral).toBeLessThanOrEqual(max);
    }
  });
});
