// Block structure: one pass over the lines per level of nesting, and the nesting is
// bounded, so time is linear. A text that is still streaming parses at any moment: a
// fence without its end runs to the end of what is there.
import type { Alignment, Block, Inline, ListItem } from './ast';
import { parseInline } from './inline';

const NESTING_MAX = 12;
const COLUMNS_MAX = 64;

const FENCE = /^( {0,3})(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}>[ ]?/;
const BULLET = /^( {0,3})([-*+•])([ \t]+|$)/;
const NUMBER = /^( {0,3})(\d{1,9})([.)])([ \t]+|$)/;
const TASK = /^\[([ xX])\][ \t]+/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const MATH_OPEN = /^ {0,3}(\\\[|\$\$)(.*)$/;

export function parseMarkdown(text: string): Block[] {
  return new BlockParser(linesOf(text), 0).parse();
}

// Parses a text that grows at its end. Blocks that can no longer change keep their
// identity from one call to the next, so that a view may leave them alone.
export class GrowingMarkdown {
  private lines: string[] = [];
  private starts: number[] = [];
  private blocks: Block[] = [];

  update(text: string): Block[] {
    const lines = linesOf(text);
    // More text can change the last block only; one more is parsed anew to be sure. A
    // blank line before the place means that nothing above it has a say.
    let kept = Math.max(0, this.blocks.length - 2);
    while (kept > 0 && this.lines[(this.starts[kept] ?? 0) - 1]?.trim() !== '') kept -= 1;
    const from = this.starts[kept] ?? 0;
    for (let index = 0; index < from; index += 1) {
      if (lines[index] !== this.lines[index]) {
        kept = 0;
        break;
      }
    }
    const first = kept === 0 ? 0 : from;
    const parser = new BlockParser(lines.slice(first), 0);
    this.blocks = [...this.blocks.slice(0, kept), ...parser.parse()];
    this.starts = [...this.starts.slice(0, kept), ...parser.starts.map((start) => start + first)];
    this.lines = lines;
    return this.blocks;
  }
}

function linesOf(text: string): string[] {
  return text.replace(/\r\n?/g, '\n').split('\n').map(expandTabs);
}

class BlockParser {
  private at = 0;
  private readonly blocks: Block[] = [];
  readonly starts: number[] = []; // first line of each block
  private blockStart = 0;
  private paragraph: string[] = [];
  private paragraphStart = 0;

  constructor(
    private readonly lines: readonly string[],
    private readonly depth: number,
  ) {}

  parse(): Block[] {
    while (this.at < this.lines.length) {
      const line = this.line();
      this.blockStart = this.at;
      if (line.trim() === '') {
        this.endParagraph();
        this.at += 1;
      } else if (!this.block(line)) {
        if (this.paragraph.length === 0) this.paragraphStart = this.at;
        this.paragraph.push(line.trimStart());
        this.at += 1;
      }
    }
    this.endParagraph();
    return this.blocks;
  }

  private line(offset = 0): string {
    return this.lines[this.at + offset] ?? '';
  }

  // Starts the block that `line` begins, if it begins one.
  private block(line: string): boolean {
    return (
      this.fence(line) ||
      this.heading(line) ||
      this.setext(line) ||
      this.rule(line) ||
      this.math(line) ||
      this.table(line) ||
      (this.depth < NESTING_MAX && (this.quote(line) || this.list(line)))
    );
  }

  private endParagraph(): void {
    if (this.paragraph.length === 0) return;
    this.blocks.push({
      kind: 'paragraph',
      children: parseInline(this.paragraph.join('\n').trimEnd()),
    });
    this.starts.push(this.paragraphStart);
    this.paragraph = [];
  }

  private add(block: Block): true {
    this.endParagraph();
    this.blocks.push(block);
    this.starts.push(this.blockStart);
    return true;
  }

  private fence(line: string): boolean {
    const open = FENCE.exec(line);
    if (!open) return false;
    const [, indent = '', marker = '', info = ''] = open;
    const close = new RegExp(`^ {0,3}${marker[0] === '~' ? '~' : '`'}{${marker.length},}[ \\t]*$`);
    const inner: string[] = [];
    this.at += 1;
    while (this.at < this.lines.length && !close.test(this.line())) {
      inner.push(withoutIndent(this.line(), indent.length));
      this.at += 1;
    }
    this.at += 1;
    const language = /^[\w+#.-]{1,40}/.exec(info.trim())?.[0] ?? '';
    return this.add({ kind: 'code', language, text: inner.join('\n') });
  }

  private heading(line: string): boolean {
    const match = HEADING.exec(line);
    if (!match) return false;
    this.at += 1;
    return this.add({
      kind: 'heading',
      level: match[1]?.length ?? 1,
      children: parseInline(match[2] ?? ''),
    });
  }

  // A row of `=` or `-` under one line of text makes it a heading.
  private setext(line: string): boolean {
    const match = /^ {0,3}(=+|-+)[ \t]*$/.exec(line);
    const text = this.paragraph[0];
    if (!match || text === undefined || this.paragraph.length > 1) return false;
    this.paragraph = [];
    this.blockStart = this.paragraphStart;
    this.at += 1;
    const level = match[1]?.startsWith('=') ? 1 : 2;
    return this.add({ kind: 'heading', level, children: parseInline(text.trimEnd()) });
  }

  private rule(line: string): boolean {
    if (!RULE.test(line)) return false;
    this.at += 1;
    return this.add({ kind: 'rule' });
  }

  private math(line: string): boolean {
    const open = MATH_OPEN.exec(line);
    if (!open || this.paragraph.length > 0) return false;
    const close = open[1] === '$$' ? '$$' : '\\]';
    const inner: string[] = [];
    let rest = open[2] ?? '';
    for (let offset = 0; ; offset += 1) {
      const end = rest.indexOf(close);
      if (end >= 0) {
        if (rest.slice(end + 2).trim() !== '') return false;
        inner.push(rest.slice(0, end));
        this.at += offset + 1;
        return this.add({ kind: 'math', text: inner.join('\n').trim() });
      }
      inner.push(rest);
      const next = this.lines[this.at + offset + 1];
      if (next === undefined || next.trim() === '' || offset > 50) return false;
      rest = next;
    }
  }

  private table(line: string): boolean {
    if (!line.includes('|') || this.paragraph.length > 0) return false;
    const rule = this.line(1);
    if (!rule.includes('-') || !TABLE_RULE.test(rule)) return false;
    const align = cells(rule).map(alignment);
    const head = cells(line);
    if (head.length !== align.length || head.length > COLUMNS_MAX) return false;
    const rows: Inline[][][] = [];
    this.at += 2;
    while (this.at < this.lines.length && this.line().includes('|') && this.line().trim() !== '') {
      const row = cells(this.line());
      rows.push(align.map((_, column) => parseInline(row[column] ?? '')));
      this.at += 1;
    }
    return this.add({ kind: 'table', align, head: head.map(parseInline), rows });
  }

  private quote(line: string): boolean {
    if (!QUOTE.test(line)) return false;
    const inner: string[] = [];
    while (this.at < this.lines.length) {
      const next = this.line();
      // A line that goes on with the paragraph needs no mark.
      const lazy = next.trim() !== '' && (inner.at(-1) ?? '').trim() !== '' && !startsBlock(next);
      if (!QUOTE.test(next) && !lazy) break;
      inner.push(next.replace(QUOTE, ''));
      this.at += 1;
    }
    return this.add({ kind: 'quote', blocks: this.nested(inner) });
  }

  private list(line: string): boolean {
    const first = marker(line);
    if (!first) return false;
    // In a paragraph only a list that begins with 1 and has text can start.
    if (this.paragraph.length > 0 && (first.empty || (first.number ?? 1) !== 1)) return false;
    this.endParagraph();
    const items: ListItem[] = [];
    let tight = true;
    while (this.at < this.lines.length) {
      const next = marker(this.line());
      if (!next || next.type !== first.type || RULE.test(this.line())) break;
      const { lines, loose } = this.itemLines(next.width);
      const again = marker(this.line());
      const gap = lines.length > 1 && lines.at(-1) === '';
      if (loose || (gap && again?.type === first.type)) tight = false;
      items.push(this.item(lines));
    }
    return this.add({ kind: 'list', start: first.number, tight, items });
  }

  // The lines of the item at hand, its indentation taken off.
  private itemLines(width: number): { lines: string[]; loose: boolean } {
    const lines = [this.line().slice(width)];
    let loose = false;
    for (this.at += 1; this.at < this.lines.length; this.at += 1) {
      const line = this.line();
      const blank = line.trim() === '';
      const afterBlank = lines.at(-1) === '';
      if (blank) {
        lines.push('');
      } else if (indentOf(line) >= width || (indentOf(line) >= 2 && marker(line.trimStart()))) {
        if (afterBlank && lines.length > 1) loose = true;
        lines.push(withoutIndent(line, width));
      } else if (afterBlank || startsBlock(line)) {
        break;
      } else {
        lines.push(line.trimStart());
      }
    }
    return { lines, loose: loose && !lines.some((line) => FENCE.test(line)) };
  }

  private item(lines: string[]): ListItem {
    const task = TASK.exec(lines[0] ?? '');
    const body = task ? [(lines[0] ?? '').slice(task[0].length), ...lines.slice(1)] : lines;
    return { checked: task ? task[1] !== ' ' : null, blocks: this.nested(body) };
  }

  private nested(lines: readonly string[]): Block[] {
    return new BlockParser(lines, this.depth + 1).parse();
  }
}

interface Marker {
  type: string; // of one list: the bullet, or what follows the number
  number: number | null;
  width: number; // of marker and indentation
  empty: boolean;
}

function marker(line: string): Marker | null {
  const bullet = BULLET.exec(line);
  const match = bullet ?? NUMBER.exec(line);
  if (!match) return null;
  const space = (bullet ? bullet[3] : match[4]) ?? '';
  const markLength = match[0].length - space.length;
  const empty = line.trim().length === markLength - (match[1]?.length ?? 0);
  // Five spaces or more: the text begins with indentation of its own.
  const width = markLength + (empty || space.length > 4 ? 1 : space.length);
  return {
    type: bullet ? (bullet[2] ?? '') : (match[3] ?? ''),
    number: bullet ? null : Number(match[2]),
    width,
    empty,
  };
}

function startsBlock(line: string): boolean {
  const mark = marker(line);
  return (
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    QUOTE.test(line) ||
    (mark !== null && !mark.empty)
  );
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function withoutIndent(line: string, width: number): string {
  return line.slice(Math.min(width, indentOf(line)));
}

// Tabs of the indentation become spaces up to the next multiple of four.
function expandTabs(line: string): string {
  const indent = /^[ \t]*\t/.exec(line)?.[0];
  if (!indent) return line;
  let width = 0;
  for (const char of indent) width = char === '\t' ? width + 4 - (width % 4) : width + 1;
  return ' '.repeat(width) + line.slice(indent.length);
}

// The cells of a table's line; `\|` and bars in code do not divide.
function cells(line: string): string[] {
  const found: string[] = [];
  let cell = '';
  let inCode = false;
  const trimmed = line.trim().replace(/^\|/, '');
  for (let index = 0; index < trimmed.length; index += 1) {
    const char = trimmed[index] ?? '';
    if (char === '\\' && trimmed[index + 1] === '|') {
      cell += '|';
      index += 1;
    } else if (char === '|' && !inCode) {
      found.push(cell.trim());
      cell = '';
    } else {
      if (char === '`') inCode = !inCode && trimmed.indexOf('`', index + 1) >= 0;
      cell += char;
    }
  }
  if (cell.trim() !== '') found.push(cell.trim());
  return found;
}

function alignment(rule: string): Alignment {
  const left = rule.startsWith(':');
  const right = rule.endsWith(':');
  if (left && right) return 'center';
  return right ? 'right' : left ? 'left' : null;
}
