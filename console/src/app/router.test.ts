import { describe, expect, it } from 'vitest';
import { hashOf, parseRoute } from './router';

describe('routes', () => {
  it.each([
    '#/',
    '#/chat/0a1b',
    '#/model',
    '#/runs',
    '#/runs/smol-20260101-120000',
    '#/runs/%E8%AF%84%E6%B5%8B%20a%2Fb',
    '#/compare',
    '#/compare/a%20b',
    '#/compare/a/b',
  ])('%s is written as it is read', (hash) => {
    expect(hashOf(parseRoute(hash))).toBe(hash);
  });

  it('survives a broken escape', () => {
    expect(parseRoute('#/runs/%zz')).toEqual({ page: 'run', id: '%zz' });
  });

  it.each(['', '#', '#/nowhere', '#/chat/', '#/chat/a b<c>', '#x'])(
    '%j leads to the chat page',
    (hash) => {
      expect(parseRoute(hash)).toEqual({ page: 'chat', conversation: null });
    },
  );
});
