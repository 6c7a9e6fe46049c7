import { describe, expect, it } from 'vitest';
import { highlight } from './highlight';

const marked = (code: string, language: string) =>
  highlight(code, language)
    .map(({ kind, text }) => (kind === 'plain' ? text : `<${kind[0]}:${text}>`))
    .join('');

describe('the tint of code', () => {
  it.each([
    ['ts', 'const a = "x // y"; // 1', '<k:const> a = <s:"x // y">; <c:// 1>'],
    ['cpp', 'for (int i = 0x1F;) /* open', '<k:for> (<k:int> i = <n:0x1F>;) <c:/* open>'],
    [
      'python',
      'def f(x1): # say\n  return """a\nb"""',
      '<k:def> f(x1): <c:# say>\n  <k:return> <s:"""a\nb""">',
    ],
    [
      'SQL',
      "SELECT a FROM t -- all\nWHERE b = 'c'",
      "<k:SELECT> a <k:FROM> t <c:-- all>\n<k:WHERE> b = <s:'c'>",
    ],
    ['html', '<p class="x">hi</p>', '<<k:p> class=<s:"x">>hi</<k:p>>'],
    ['brainfuck', 'for if 1', 'for if 1'],
    ['', 'for', 'for'],
  ])('%s: %j', (language, code, expected) => expect(marked(code, language)).toBe(expected));

  it('gives back every character', () => {
    const code = '"open\n\'x `a ${b} // c\n# d /* e <!-- f -- 1e9 __init__ $x \\';
    for (const language of ['c', 'py', 'sql', 'html', 'none']) {
      expect(
        highlight(code, language)
          .map(({ text }) => text)
          .join(''),
      ).toBe(code);
    }
  });

  it('is quick on hostile code', () => {
    for (const piece of ['"', '"\\', '/*', '<!--', '"""', '`', '# ', '1e', '<', '--']) {
      const code = piece.repeat(5_000);
      for (const language of ['c', 'py', 'sql', 'html']) {
        expect(
          highlight(code, language)
            .map(({ text }) => text)
            .join(''),
        ).toBe(code);
      }
    }
  });
});
