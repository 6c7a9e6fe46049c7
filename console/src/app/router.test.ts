import { describe, expect, it } from 'vitest';
import { hashOf, parseRoute } from './router';

describe('routes', () => {
  it.each(['#/', '#/chat/0a1b', '#/model'])('%s is written as it is read', (hash) => {
    expect(hashOf(parseRoute(hash))).toBe(hash);
  });

  it.each(['', '#', '#/nowhere', '#/chat/', '#/chat/a b<c>', '#x'])(
    '%j leads to the chat page',
    (hash) => {
      expect(parseRoute(hash)).toEqual({ page: 'chat', conversation: null });
    },
  );
});
