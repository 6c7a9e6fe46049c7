import { describe, expect, it } from 'vitest';
import { readPreferences } from './preferences';

describe('preferences', () => {
  it('start from the browser’s and the system’s', () => {
    for (const nothing of [null, 3, 'x', {}, []]) {
      expect(readPreferences(nothing)).toMatchObject({
        locale: null,
        theme: 'auto',
        sampling: {},
        singleKeys: true,
      });
    }
  });

  it('keep what is known and drop the rest', () => {
    expect(
      readPreferences({
        locale: 'zh',
        theme: 'neon',
        sampling: { top_k: 40, x: 1 },
        singleKeys: false,
      }),
    ).toMatchObject({
      locale: 'zh',
      theme: 'auto',
      sampling: { top_k: 40 },
      singleKeys: false,
    });
  });
});
