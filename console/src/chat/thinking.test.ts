import { describe, expect, it } from 'vitest';
import { splitThinking } from './thinking';

describe('thinking', () => {
  it('is what stands between the marks at the beginning', () => {
    expect(splitThinking('<think>\nhm\n</think>\n\nYes.')).toEqual({
      thinking: 'hm',
      thinkingIsOver: true,
      answer: 'Yes.',
    });
    expect(splitThinking('<think>hm')).toEqual({
      thinking: 'hm',
      thinkingIsOver: false,
      answer: '',
    });
    expect(splitThinking('<think></think>Yes.').thinking).toBe('');
  });

  it('is not what is written about the marks', () => {
    expect(splitThinking('Use <think>x</think>.')).toEqual({
      thinking: '',
      thinkingIsOver: true,
      answer: 'Use <think>x</think>.',
    });
  });

  it('may come apart from the text', () => {
    expect(splitThinking('', 'hm')).toEqual({ thinking: 'hm', thinkingIsOver: false, answer: '' });
    expect(splitThinking('Yes.', 'hm')).toEqual({
      thinking: 'hm',
      thinkingIsOver: true,
      answer: 'Yes.',
    });
  });
});
