import { describe, expect, it } from 'vitest';
import { setPreferences } from '../app/preferences';
import {
  formatBytes,
  formatCompact,
  formatRate,
  formatSeconds,
  formatShare,
  formatWhole,
} from './format';

describe('numbers', () => {
  it('are written as English does', () => {
    setPreferences({ locale: 'en' });
    expect([0, 1023, 1024, 1536, 144_811_008, 2 ** 40].map(formatBytes)).toEqual([
      '0 B',
      '1,023 B',
      '1 KiB',
      '1.5 KiB',
      '138 MiB',
      '1 TiB',
    ]);
    expect([0, 0.00001, 0.5, 0.9993, 1].map(formatShare)).toEqual([
      '0%',
      '< 0.1%',
      '50%',
      '99.9%',
      '100%',
    ]);
    expect([420, 9994, 12345].map(formatSeconds)).toEqual(['0.42', '9.99', '12.3']);
    expect([31.44, 250.4].map(formatRate)).toEqual(['31.4', '250']);
    expect(formatWhole(134515008)).toBe('134,515,008');
    expect(formatCompact(134515008)).toBe('134.5M');
  });

  it('are written as Chinese does', () => {
    setPreferences({ locale: 'zh' });
    expect(formatCompact(134515008)).toBe('1.345亿');
    expect(formatBytes(1536)).toBe('1.5 KiB');
  });
});
