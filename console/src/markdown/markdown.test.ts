import { describe, expect, it } from 'vitest';
import type { Block, Inline } from './ast';
import { GrowingMarkdown, parseMarkdown } from './blocks';
import { parseInline, safeHref } from './inline';

// A short notation, so that expectations can be read: *emphasis* as <i>, and so on.
function show(nodes: Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case 'text':
          return node.text;
        case 'code':
          return `{code ${node.text}}`;
        case 'math':
          return `{math ${node.text}}`;
        case 'break':
          return '{br}';
        case 'link':
          return `{link ${node.href}: ${show(node.children)}}`;
        default:
          return `{${node.kind} ${show(node.children)}}`;
      }
    })
    .join('');
}

function outline(blocks: Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case 'paragraph':
          return `p(${show(block.children)})`;
        case 'heading':
          return `h${block.level}(${show(block.children)})`;
        case 'code':
          return `code[${block.language}](${block.text})`;
        case 'math':
          return `math(${block.text})`;
        case 'quote':
          return `quote(${outline(block.blocks)})`;
        case 'list': {
          const items = block.items.map(({ checked, blocks: inner }) => {
            const box = checked === null ? '' : checked ? '[x] ' : '[ ] ';
            return `li(${box}${outline(inner)})`;
          });
          const name = block.start === null ? 'ul' : `ol${block.start}`;
          return `${name}${block.tight ? '' : ' loose'}(${items.join(' ')})`;
        }
        case 'table': {
          const rows = [block.head, ...block.rows].map((row) => row.map(show).join(' | '));
          return `table[${block.align.join(',')}](${rows.join(' / ')})`;
        }
        case 'rule':
          return 'hr';
      }
    })
    .join(' ');
}

const inline = (text: string) => show(parseInline(text));
const markdown = (text: string) => outline(parseMarkdown(text));

describe('inline Markdown', () => {
  it.each([
    ['a *b* **c** ***d***', 'a {emphasis b} {strong c} {emphasis {strong d}}'],
    ['__b__ _i_ ~~s~~', '{strong b} {emphasis i} {strike s}'],
    ['snake_case_name 2*3*4', 'snake_case_name 2{emphasis 3}4'],
    ['2 * 3 * 4 and ** here', '2 * 3 * 4 and ** here'],
    ['**bold *nested* text**', '{strong bold {emphasis nested} text}'],
    ['*a **b*', '*a *{emphasis b}'],
    ['**unclosed', '**unclosed'],
    ['*(*a*)*', '{emphasis ({emphasis a})}'],
    ['**a** **b** *c*', '{strong a} {strong b} {emphasis c}'],
    ['**a*b*', '**a{emphasis b}'],
    ['\\*not\\* \\\\ \\a', '*not* \\ \\a'],
  ])('%s', (text, expected) => expect(inline(text)).toBe(expected));

  it.each([
    ['`a *b*` ``c`d``', '{code a *b*} {code c`d}'],
    ['`` ` `` and ` x `', '{code `} and {code x}'],
    ['a `b', 'a `b'],
    ['`<b>&amp;`', '{code <b>&amp;}'],
  ])('code: %s', (text, expected) => expect(inline(text)).toBe(expected));

  it.each([
    ['这是**重点。**然后继续', '这是{strong 重点。}然后继续'],
    ['**「引号」**后面', '{strong 「引号」}后面'],
    ['使用**“粗体”**文字', '使用{strong “粗体”}文字'],
    ['中文*强调*中文', '中文{emphasis 强调}中文'],
    ['これは**強調(注)**です', 'これは{strong 強調(注)}です'],
    [
      '见https://example.com/a。谢谢',
      '见{link https://example.com/a: https://example.com/a}。谢谢',
    ],
  ])('beside Chinese and Japanese: %s', (text, expected) => expect(inline(text)).toBe(expected));

  it.each([
    ['[a *b*](https://x.org "t")', '{link https://x.org: a {emphasis b}}'],
    [
      '[a](<https://x.org/a_(b)>) [c](https://x.org/(d))',
      '{link https://x.org/a_(b): a} {link https://x.org/(d): c}',
    ],
    [
      'see https://x.org/a_b, ok (https://y.org/z)',
      'see {link https://x.org/a_b: https://x.org/a_b}, ok ({link https://y.org/z: https://y.org/z})',
    ],
    [
      '<https://x.org> <mailto:a@b.c>',
      '{link https://x.org: https://x.org} {link mailto:a@b.c: a@b.c}',
    ],
    [
      '[a [b](https://x.org) c](https://y.org)',
      '[a {link https://x.org: b} c]({link https://y.org: https://y.org})',
    ],
    ['![chart](https://x.org/c.png)', '{link https://x.org/c.png: chart}'],
    ['[1] and [a](b c) and ]', '[1] and [a](b c) and ]'],
    ['*a [b*](https://x.org)', '*a {link https://x.org: b*}'],
    ['[](https://x.org)', '{link https://x.org: https://x.org}'],
  ])('links: %s', (text, expected) => expect(inline(text)).toBe(expected));

  it.each([
    ['[x](javascript:alert(1))', 'x'],
    ['[x](JaVaScRiPt:alert`1`)', 'x'],
    ['[x](data:text/html,hi)', 'x'],
    ['[x](vbscript:x) [y](/local) [z](#id)', 'x y z'],
    ['[x](java\u0001script:x)', 'x'],
    ['![x](javascript:alert(1))', 'x'],
    ['<javascript:alert(1)>', '<javascript:alert(1)>'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ])('never gives an address or markup that could act: %s', (text, expected) => {
    expect(inline(text)).toBe(expected);
  });

  it('accepts only addresses that lead out', () => {
    expect(safeHref('https://a')).toBe('https://a');
    expect(safeHref('HTTP://a')).toBe('HTTP://a');
    for (const href of [
      '',
      'https://',
      '//a',
      'ftp://a',
      'https://a b',
      ' https://a',
      'https://a\n',
      'https://' + 'a'.repeat(3000),
    ]) {
      expect(safeHref(href)).toBeUndefined();
    }
  });

  it.each([
    ['costs $5 and $6', 'costs $5 and $6'],
    ['$x^2$ and $x$ and $$a_b$$', '{math x^2} and {math x} and {math a_b}'],
    ['\\(a_1 * b_2\\) *c*', '{math a_1 * b_2} {emphasis c}'],
    ['a\\(b', 'a(b'],
  ])('mathematics: %s', (text, expected) => expect(inline(text)).toBe(expected));

  it.each([
    ['one\ntwo  \nthree', 'one{br}two{br}three'],
    ['a<br>b<br/>c', 'a{br}b{br}c'],
    [
      '&lt;b&gt; &amp;amp; &#35; &#x4E2D; &bogus; &#0; &#xD800;',
      '<b> &amp; # 中 &bogus; \ufffd \ufffd',
    ],
  ])('lines and entities: %s', (text, expected) => expect(inline(text)).toBe(expected));
});

describe('blocks', () => {
  it.each([
    ['a\nb\n\nc', 'p(a{br}b) p(c)'],
    ['# A #\n## B\n#no\n####### x', 'h1(A) h2(B) p(#no{br}####### x)'],
    ['Title\n=====\nSub\n---\n---', 'h1(Title) h2(Sub) hr'],
    ['***\n- - -\n___', 'hr hr hr'],
    ['> a\n> > b\n\nc', 'quote(p(a) quote(p(b))) p(c)'],
    ['> a\nlazy\n\n> b', 'quote(p(a{br}lazy)) quote(p(b))'],
  ])('%j', (text, expected) => expect(markdown(text)).toBe(expected));

  it.each([
    ['```js\nlet a = "<b>";\n\n  x\n```\nafter', 'code[js](let a = "<b>";\n\n  x) p(after)'],
    ['```python title=x\nopen', 'code[python](open)'],
    ['~~~\n```\n~~~', 'code[](```)'],
    ['````\n```\n````', 'code[](```)'],
    ['text\n```\ncode\n```', 'p(text) code[](code)'],
    ['- a\n  ```sh\n  ls\n\n  cd\n  ```\n- b', 'ul(li(p(a) code[sh](ls\n\ncd)) li(p(b)))'],
    ['```c++\n', 'code[c++]()'],
  ])('fences: %j', (text, expected) => expect(markdown(text)).toBe(expected));

  it.each([
    ['- a\n- b\n  c\n* d', 'ul(li(p(a)) li(p(b{br}c))) ul(li(p(d)))'],
    ['3. a\n4. b', 'ol3(li(p(a)) li(p(b)))'],
    ['- a\n\n- b', 'ul loose(li(p(a)) li(p(b)))'],
    ['- a\n  - b\n    - c\n- d', 'ul(li(p(a) ul(li(p(b) ul(li(p(c)))))) li(p(d)))'],
    ['1. a\n   - b\n2. c', 'ol1(li(p(a) ul(li(p(b)))) li(p(c)))'],
    ['1. a\n  - b\n2. c', 'ol1(li(p(a) ul(li(p(b)))) li(p(c)))'],
    ['- [ ] a\n- [x] b', 'ul(li([ ] p(a)) li([x] p(b)))'],
    ['text\n- a', 'p(text) ul(li(p(a)))'],
    ['in\n1984. no list', 'p(in{br}1984. no list)'],
    ['1. a\n\nb', 'ol1(li(p(a))) p(b)'],
    ['- a\n\n  b', 'ul loose(li(p(a) p(b)))'],
    ['1. **A**:\n\n   text\n\n2. B', 'ol1 loose(li(p({strong A}:) p(text)) li(p(B)))'],
    ['-\n- a', 'ul(li() li(p(a)))'],
    ['-5 degrees', 'p(-5 degrees)'],
  ])('lists: %j', (text, expected) => expect(markdown(text)).toBe(expected));

  it.each([
    ['| a | b |\n|---|:-:|\n| 1 | `x|y` |\n| 2 |', 'table[,center](a | b / 1 | {code x|y} / 2 | )'],
    ['a | b\n--|--:\n1 | 2 \\| 3\n\nend', 'table[,right](a | b / 1 | 2 | 3) p(end)'],
    ['| a | b |\n|---|\n| 1 |', 'p(| a | b |{br}|---|{br}| 1 |)'],
    ['a | b', 'p(a | b)'],
  ])('tables: %j', (text, expected) => expect(markdown(text)).toBe(expected));

  it.each([
    ['\\[\nE = mc^2\n\\]', 'math(E = mc^2)'],
    ['$$a_1 * b$$', 'math(a_1 * b)'],
    ['\\[ open', 'p([ open)'],
  ])('mathematics: %j', (text, expected) => expect(markdown(text)).toBe(expected));

  it('keeps every character of plain text', () => {
    const plain = 'Grüße, 世界 😀! 100 % “quoted” – fine; x < y && y > z';
    expect(markdown(plain)).toBe(`p(${plain})`);
  });
});

describe('a growing text', () => {
  const text =
    'Intro *a*\nb\n\n# H\n\n- a\n- b\n\n  c\n- d\n\n1. x\n```js\ncode\n\nmore\n```\n> q\n> r\n\nT\n---\na | b\n--|--\n1 | 2\n\nEnd.';

  it('gives at every moment what the whole text so far gives', () => {
    const growing = new GrowingMarkdown();
    for (let length = 0; length <= text.length; length += 1) {
      expect(growing.update(text.slice(0, length))).toEqual(parseMarkdown(text.slice(0, length)));
    }
  });

  it('keeps the blocks that are done', () => {
    const growing = new GrowingMarkdown();
    const before = growing.update(text);
    const after = growing.update(text + ' And more.\n\nNew.');
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after.at(-1)).toEqual(parseMarkdown('New.')[0]);
  });

  it('may be replaced by another', () => {
    const growing = new GrowingMarkdown();
    growing.update(text);
    expect(growing.update('# Other\n\ntext')).toEqual(parseMarkdown('# Other\n\ntext'));
    expect(growing.update('')).toEqual([]);
  });
});

describe('hostile text', () => {
  const repeat = (piece: string) => piece.repeat(Math.ceil(20_000 / piece.length));
  const pieces = [
    '*',
    '_',
    '**a ',
    '*a _b ',
    '*a* ',
    '[',
    '](',
    '[a](',
    '![',
    '`',
    '``a`',
    '<',
    '<a',
    '&',
    '&#',
    '$',
    '$a ',
    '\\(',
    '\\',
    '> ',
    '>',
    '- ',
    '1. ',
    '#',
    '|',
    '| a',
    '~~',
    '~~a',
    '\n',
    'a\n',
    '- a\n',
    '  - a\n',
    '> a\n',
    '```\n',
    '|a|\n|-|\n',
    'http://',
    'https://a ',
    '(',
    '\\[\n',
    '$$\n',
    '\u0000',
    '\ud800',
    '\t',
    ' ',
  ];

  it.each(pieces)('%j, many times, is parsed and kept shallow', (piece) => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).slice(0, 50).map(depthOf))
        : 0;
    expect(depthOf(parseMarkdown(repeat(piece)))).toBeLessThan(600);
    expect(
      depthOf(parseMarkdown(repeat(piece) + 'x' + repeat([...piece].reverse().join('')))),
    ).toBeLessThan(600);
  });

  it('of nested quotes and lists ends in text', () => {
    const deep = Array.from({ length: 200 }, (_, level) => '  '.repeat(level) + '- x').join('\n');
    expect(markdown(deep)).toContain('x');
    expect(markdown('>'.repeat(1000) + ' x')).toContain('x');
  });

  it('made of random pieces never throws, and every prefix parses', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 200; round += 1) {
      let text = '';
      for (let length = random(60); length > 0; length -= 1) {
        text += pieces[random(pieces.length)] ?? '';
        if (random(3) === 0) text += 'ab 中。'[random(6)] ?? '';
      }
      const growing = new GrowingMarkdown();
      for (let cut = 0; cut < text.length; cut += 1 + random(9)) {
        expect(growing.update(text.slice(0, cut))).toEqual(parseMarkdown(text.slice(0, cut)));
      }
    }
  });
});
