// A light tint for code: comments, strings, numbers and keywords, by families of
// languages. It guesses, and a wrong guess only colours a word.

export type TokenKind = 'plain' | 'comment' | 'string' | 'number' | 'keyword';

export interface Token {
  kind: TokenKind;
  text: string;
}

const CODE_LENGTH_MAX = 50_000; // longer code is shown plain

const C_LIKE =
  'c cc cpp c++ cxx h hpp cuda java js jsx javascript mjs ts tsx typescript json jsonc go golang rust rs cs csharp c# kotlin kt swift php dart scala groovy proto css scss less glsl zig';
const HASHED =
  'python py python3 ruby rb bash sh shell zsh console yaml yml toml ini perl r julia make makefile cmake dockerfile nix elixir';
const DASHED = 'sql mysql postgresql sqlite lua haskell hs ada';
const MARKUP = 'html xml svg vue xhtml';

const KEYWORDS = {
  c: 'abstract as async await auto bool boolean break byte case catch char class const constexpr continue def default defer delete do double else enum export extends extern false final finally float fn for from func function go if impl implements import in inline instanceof int interface internal is let long loop match mod module mut namespace new nil noexcept null nullptr object of operator override package private protected pub public readonly ref return self short signed sizeof static struct super switch template this throw trait true try type typedef typename typeof undefined union unsafe unsigned use using val var virtual void volatile when where while with yield',
  hash: 'and as assert async await break case class continue def del do done echo elif else elsif end esac except exit export False fi finally for from function global if import in is lambda local module nonlocal None not null or pass raise require return self set then True true false try unless until when while with yield',
  dash: 'add all alter and as asc begin between by case create cross delete desc distinct drop else elseif end exists false for foreign from full function group having if in index inner insert into is join key left like limit local nil not null on or order outer primary references repeat return right select set table then true union unique until update values view when where while with',
};

// In order: comment, string, number, word.
const PATTERNS = {
  c: /(\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))|("(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|`(?:[^`\\]|\\[^])*`?)|\b(0[xXbB][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_$][\w$]*)/g,
  hash: /((?<![\w$&{])#[^\n]*)|("""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?)|\b(0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][\w]*)/g,
  dash: /(--[^\n]*|\/\*[^]*?(?:\*\/|$))|('(?:[^'\n])*'?|"(?:[^"\n])*"?)|\b(\d+(?:\.\d+)?)|([A-Za-z_][\w]*)/g,
  markup: /(<!--[^]*?(?:-->|$))|("[^"<>\n]*"|'[^'<>\n]*')|(?!)(x)|((?<=<\/?)[A-Za-z][\w:-]*)/g,
};

type Family = keyof typeof PATTERNS;

const FAMILIES = new Map<string, Family>([
  ...C_LIKE.split(' ').map((name): [string, Family] => [name, 'c']),
  ...HASHED.split(' ').map((name): [string, Family] => [name, 'hash']),
  ...DASHED.split(' ').map((name): [string, Family] => [name, 'dash']),
  ...MARKUP.split(' ').map((name): [string, Family] => [name, 'markup']),
]);

const KEYWORD_SETS = {
  c: new Set(KEYWORDS.c.split(' ')),
  hash: new Set(KEYWORDS.hash.split(' ')),
  dash: new Set(KEYWORDS.dash.split(' ')),
};

// The tokens of `code`; their texts joined give it back.
export function highlight(code: string, language: string): Token[] {
  const family = FAMILIES.get(language.toLowerCase());
  if (!family || code.length > CODE_LENGTH_MAX) return [{ kind: 'plain', text: code }];
  const tokens: Token[] = [];
  let end = 0;
  for (const match of code.matchAll(PATTERNS[family])) {
    const [text, comment, string, number, word = ''] = match;
    let kind: TokenKind | undefined;
    if (comment !== undefined) kind = 'comment';
    else if (string !== undefined) kind = 'string';
    else if (number !== undefined) kind = 'number';
    else if (isKeyword(family, word)) kind = 'keyword';
    if (!kind) continue;
    if (match.index > end) tokens.push({ kind: 'plain', text: code.slice(end, match.index) });
    tokens.push({ kind, text });
    end = match.index + text.length;
  }
  if (end < code.length) tokens.push({ kind: 'plain', text: code.slice(end) });
  return tokens;
}

function isKeyword(family: Family, word: string): boolean {
  if (family === 'markup') return true;
  return KEYWORD_SETS[family].has(family === 'dash' ? word.toLowerCase() : word);
}
