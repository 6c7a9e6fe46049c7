// Inline Markdown: the delimiter algorithm of CommonMark (0.31, appendix "A parsing
// strategy"), with bold and emphasis that also close beside Chinese, Japanese and Korean
// text, where words have no spaces around them. Time is linear in the text.
import type { Inline } from './ast';

const URL_LENGTH_MAX = 2048;
const NESTING_MAX = 32; // brackets or delimiters open at once
const RUN_LENGTH_MAX = 8; // a longer row of stars is a row of stars
const MATH_LENGTH_MAX = 1000;

interface Delimiter {
  index: number; // in `nodes`
  char: string;
  count: number; // still unused
  length: number; // as written
  canOpen: boolean;
  canClose: boolean;
}

interface Bracket {
  index: number; // in `nodes`
  delimiters: number; // how many stood before it
  isImage: boolean;
}

const PUNCTUATION = /[\p{P}\p{S}]/u;
const CJK =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303f\uff00-\uffef\u2e80-\u2eff]/u;
const SPECIAL = /[\\`*_~[\]!<&$\n]|https?:\/\//g;
const BARE_URL = /https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]{1,2048}/y;
const ANGLE_URL = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2048})>/y;
const ENTITY =
  /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp|copy|hellip|mdash|ndash|times));/y;
const NAMED_ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  times: '×',
};

export function parseInline(text: string): Inline[] {
  return new InlineParser(text).parse();
}

// An address that is safe to follow from the console, or undefined.
export function safeHref(href: string): string | undefined {
  if (href.length > URL_LENGTH_MAX || /[\u0000-\u0020\u007f]/.test(href)) return undefined;
  return /^(https?:\/\/[^/]|mailto:[^/])/i.test(href) ? href : undefined;
}

class InlineParser {
  private at = 0;
  private readonly nodes: (Inline | null)[] = [];
  private readonly delimiters: Delimiter[] = [];
  private readonly brackets: Bracket[] = [];
  private readonly backtickRuns = new Map<number, { starts: number[]; next: number }>();

  constructor(private readonly text: string) {
    for (const run of text.matchAll(/`+/g)) {
      const sameLength = this.backtickRuns.get(run[0].length);
      if (sameLength) sameLength.starts.push(run.index);
      else this.backtickRuns.set(run[0].length, { starts: [run.index], next: 0 });
    }
  }

  parse(): Inline[] {
    const { text } = this;
    while (this.at < text.length) {
      SPECIAL.lastIndex = this.at;
      const special = SPECIAL.exec(text);
      const next = special ? special.index : text.length;
      if (next > this.at) this.addText(text.slice(this.at, next));
      this.at = next;
      if (special) this.special(special[0]);
    }
    this.matchDelimiters(0);
    return tidy(this.nodes);
  }

  private special(found: string): void {
    switch (found) {
      case '\\':
        return this.backslash();
      case '`':
        return this.codeSpan();
      case '*':
      case '_':
      case '~':
        return this.delimiterRun(found);
      case '[':
        return this.openBracket(1, false);
      case '!':
        if (this.text[this.at + 1] === '[') return this.openBracket(2, true);
        return this.literal(1);
      case ']':
        return this.closeBracket();
      case '<':
        return this.angle();
      case '&':
        return this.entity();
      case '$':
        return this.dollar();
      case '\n':
        return this.lineEnd();
      default:
        return this.bareUrl();
    }
  }

  private addText(text: string): void {
    this.nodes.push({ kind: 'text', text });
  }

  private literal(length: number): void {
    this.addText(this.text.slice(this.at, this.at + length));
    this.at += length;
  }

  private backslash(): void {
    const next = this.text[this.at + 1] ?? '';
    if (next === '(') {
      const from = this.at + 2;
      const length = this.text.slice(from, from + MATH_LENGTH_MAX).indexOf('\\)');
      if (length > 0) {
        this.nodes.push({ kind: 'math', text: this.text.slice(from, from + length).trim() });
        this.at = from + length + 2;
        return;
      }
    }
    if (next === '\n') {
      this.nodes.push({ kind: 'break' });
      this.at += 2;
    } else if (/[!-/:-@[-`{-~]/.test(next)) {
      this.addText(next);
      this.at += 2;
    } else {
      this.literal(1);
    }
  }

  private codeSpan(): void {
    let length = 1;
    while (this.text[this.at + length] === '`') length += 1;
    const runs = this.backtickRuns.get(length) ?? { starts: [], next: 0 };
    while ((runs.starts[runs.next] ?? Infinity) <= this.at) runs.next += 1;
    const end = runs.starts[runs.next];
    if (end === undefined) return this.literal(length);
    let code = this.text.slice(this.at + length, end).replaceAll('\n', ' ');
    if (code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '') code = code.slice(1, -1);
    this.nodes.push({ kind: 'code', text: code });
    this.at = end + length;
  }

  private delimiterRun(char: string): void {
    const { text, at } = this;
    let length = 1;
    while (text[at + length] === char) length += 1;
    if (length > RUN_LENGTH_MAX || (char === '~' && length !== 2)) return this.literal(length);
    const before = codePointBefore(text, at);
    const after = codePointAfter(text, at + length);
    const left = flanks(after, before);
    const right = flanks(before, after);
    const wordy = char === '_';
    this.delimiters.push({
      index: this.nodes.length,
      char,
      count: length,
      length,
      canOpen: left && (!wordy || !right || PUNCTUATION.test(before)),
      canClose: right && (!wordy || !left || PUNCTUATION.test(after)),
    });
    this.literal(length);
  }

  private openBracket(length: number, isImage: boolean): void {
    if (this.brackets.length < NESTING_MAX) {
      this.brackets.push({
        index: this.nodes.length,
        delimiters: this.delimiters.length,
        isImage,
      });
    }
    this.literal(length);
  }

  private closeBracket(): void {
    const bracket = this.brackets.pop();
    const target = bracket && this.linkTarget(this.at + 1);
    if (!bracket || !target) return this.literal(1);
    this.matchDelimiters(bracket.delimiters);
    const children = tidy(this.nodes.splice(bracket.index).slice(1));
    const href = safeHref(target.href);
    if (href) {
      const shown = children.length > 0 ? children : [{ kind: 'text' as const, text: href }];
      this.nodes.push({ kind: 'link', href, children: withoutLinks(shown) });
      // No links in links: brackets before this one stay text.
      if (!bracket.isImage) this.brackets.length = 0;
    } else {
      // An address that must not be followed: the text stays, the address goes.
      for (const child of children) this.nodes.push(child);
    }
    this.at = target.end;
  }

  // `(address "title")` at `from`.
  private linkTarget(from: number): { href: string; end: number } | undefined {
    const window = this.text.slice(from, from + URL_LENGTH_MAX);
    if (window[0] !== '(') return undefined;
    const head = /^\(\s*(?:<([^<>\n]*)>|([^\s()<]*(?:\([^\s()]*\)[^\s()]*)*))(?=[\s)])/.exec(
      window,
    );
    if (!head) return undefined;
    const tail = /^(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(window.slice(head[0].length));
    if (!tail) return undefined;
    return { href: head[1] ?? head[2] ?? '', end: from + head[0].length + tail[0].length };
  }

  private angle(): void {
    ANGLE_URL.lastIndex = this.at;
    const match = ANGLE_URL.exec(this.text);
    const href = match?.[1] && safeHref(match[1]);
    if (match && href) {
      const shown = href.replace(/^mailto:/, '');
      this.nodes.push({ kind: 'link', href, children: [{ kind: 'text', text: shown }] });
      this.at += match[0].length;
      return;
    }
    const lineBreak = /<br\s*\/?>/iy;
    lineBreak.lastIndex = this.at;
    const tag = lineBreak.exec(this.text);
    if (!tag) return this.literal(1);
    this.nodes.push({ kind: 'break' });
    this.at += tag[0].length;
  }

  private entity(): void {
    ENTITY.lastIndex = this.at;
    const match = ENTITY.exec(this.text);
    if (!match) return this.literal(1);
    const [whole, decimal, hex, name] = match;
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : 0;
    const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    this.addText(
      name ? (NAMED_ENTITIES[name] ?? whole) : valid ? String.fromCodePoint(code) : '\ufffd',
    );
    this.at += whole.length;
  }

  // `$x^2$` is mathematics, `$5 and $6` is money: no space inside, no digit after.
  private dollar(): void {
    const line = this.text.slice(this.at, this.at + 500);
    const match = /^(\${1,2})(?![\s$])([^$\n]*[^\s$\\])\1(?![\d$])/.exec(line);
    if (!match?.[2] || (match[1] === '$' && !/[\\^_{}=+]|^[A-Za-z]$/.test(match[2]))) {
      return this.literal(1);
    }
    this.nodes.push({ kind: 'math', text: match[2] });
    this.at += match[0].length;
  }

  // Models write one line under another and mean it: every line end is kept.
  private lineEnd(): void {
    const last = this.nodes.at(-1);
    if (last?.kind === 'text') last.text = last.text.trimEnd();
    this.nodes.push({ kind: 'break' });
    this.at += 1;
    while (this.text[this.at] === ' ') this.at += 1;
  }

  private bareUrl(): void {
    BARE_URL.lastIndex = this.at;
    const match = BARE_URL.exec(this.text);
    let url = match?.[0] ?? '';
    url = url.replace(/[?!.,:;*_~'"]+$/, '');
    while (url.endsWith(')') && count(url, ')') > count(url, '(')) url = url.slice(0, -1);
    const href = safeHref(url);
    const wordBefore = /[A-Za-z0-9]/.test(this.text[this.at - 1] ?? '');
    if (!href || wordBefore || this.brackets.length > 0) return this.literal('http'.length);
    this.nodes.push({ kind: 'link', href, children: [{ kind: 'text', text: url }] });
    this.at += url.length;
  }

  // Pairs the delimiters from `bottom` on and removes them.
  private matchDelimiters(bottom: number): void {
    const openersBottom = new Map<string, number>();
    const stack = this.delimiters.splice(bottom);
    const open: Delimiter[] = [];
    for (const closer of stack) {
      while (closer.canClose && closer.count > 0) {
        const key = `${closer.char}${closer.canOpen ? 1 : 0}${closer.length % 3}`;
        const lowest = openersBottom.get(key) ?? 0;
        const found = findOpener(open, closer, lowest);
        if (found < 0) {
          openersBottom.set(key, open.length);
          break;
        }
        this.pair(open, found, closer);
        for (const [name, low] of openersBottom)
          openersBottom.set(name, Math.min(low, open.length));
      }
      if (!closer.canOpen || closer.count === 0) continue;
      open.push(closer);
      if (open.length > NESTING_MAX) {
        open.shift();
        for (const [name, low] of openersBottom) openersBottom.set(name, Math.max(0, low - 1));
      }
    }
  }

  private pair(open: Delimiter[], found: number, closer: Delimiter): void {
    const opener = open[found];
    if (!opener) return;
    open.length = found + 1; // what stands between stays text
    const used = closer.char === '~' || (opener.count >= 2 && closer.count >= 2) ? 2 : 1;
    const inner = tidy(this.nodes.slice(opener.index + 1, closer.index));
    for (let index = opener.index + 1; index < closer.index; index += 1) this.nodes[index] = null;
    const kind = closer.char === '~' ? 'strike' : used === 2 ? 'strong' : 'emphasis';
    opener.count -= used;
    closer.count -= used;
    this.nodes[opener.index] = remains(opener);
    this.nodes[closer.index] = remains(closer);
    this.nodes[opener.index + 1] = { kind, children: inner };
    if (opener.count === 0) open.pop();
  }
}

function findOpener(open: Delimiter[], closer: Delimiter, lowest: number): number {
  for (let index = open.length - 1; index >= lowest; index -= 1) {
    const opener = open[index];
    if (!opener || opener.char !== closer.char || closer.index - opener.index < 2) continue;
    const oddMatch =
      (opener.canClose || closer.canOpen) &&
      (opener.length + closer.length) % 3 === 0 &&
      !(opener.length % 3 === 0 && closer.length % 3 === 0);
    if (!oddMatch || closer.char === '~') return index;
  }
  return -1;
}

function remains(delimiter: Delimiter): Inline | null {
  return delimiter.count > 0
    ? { kind: 'text', text: delimiter.char.repeat(delimiter.count) }
    : null;
}

// May a run of delimiters beside `inner` open (or close) emphasis, `outer` being on its
// other side?
function flanks(inner: string, outer: string): boolean {
  if (inner === '' || /\s/.test(inner)) return false;
  if (!PUNCTUATION.test(inner) || CJK.test(inner)) return true;
  return outer === '' || /\s/.test(outer) || PUNCTUATION.test(outer) || CJK.test(outer);
}

function codePointBefore(text: string, index: number): string {
  const unit = text.charCodeAt(index - 1);
  const isLow = unit >= 0xdc00 && unit <= 0xdfff;
  return index <= 0 ? '' : text.slice(isLow ? index - 2 : index - 1, index);
}

function codePointAfter(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

// Without gaps and with neighbouring texts joined.
function tidy(nodes: readonly (Inline | null)[]): Inline[] {
  const result: Inline[] = [];
  for (const node of nodes) {
    if (node === null) continue;
    const last = result.at(-1);
    if (node.kind === 'text' && last?.kind === 'text') {
      result[result.length - 1] = { kind: 'text', text: last.text + node.text };
    } else if (node.kind !== 'text' || node.text !== '') {
      result.push(node);
    }
  }
  return result;
}

function withoutLinks(nodes: Inline[]): Inline[] {
  return nodes.flatMap((node): Inline[] => {
    if (node.kind === 'link') return withoutLinks(node.children);
    return 'children' in node ? [{ ...node, children: withoutLinks(node.children) }] : [node];
  });
}
