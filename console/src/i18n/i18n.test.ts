import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SAMPLING_CONTROLS } from '../chat/sampling';
import { FAILURE_KINDS } from '../api/failure';
import { LOCALES, dictionaries, preferredLocale } from '.';

type Leaf = string | ((...values: never[]) => string);

function leaves(value: unknown, path = ''): Map<string, Leaf> {
  if (typeof value === 'string' || typeof value === 'function')
    return new Map([[path, value as Leaf]]);
  const found = new Map<string, Leaf>();
  for (const [key, child] of Object.entries(value as object)) {
    for (const [name, leaf] of leaves(child, path ? `${path}.${key}` : key)) found.set(name, leaf);
  }
  return found;
}

// A function's text with plain values in it.
function textOf(leaf: Leaf): string {
  return typeof leaf === 'string' ? leaf : leaf(...(['7', '8', '9'] as never[]));
}

// Names that are the same in every language.
const SAME = new Set([
  'sampling.top_p.label',
  'sampling.top_k.label',
  'sampling.min_p.label',
  'stats.contextShort',
]);

describe('the languages', () => {
  const english = leaves(dictionaries.en);

  it.each(LOCALES)('%s has every text, none of them empty', (locale) => {
    const own = leaves(dictionaries[locale]);
    expect([...own.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [name, leaf] of own) {
      expect(textOf(leaf).trim(), name).not.toBe('');
      expect(typeof leaf, name).toBe(typeof english.get(name));
    }
  });

  it('Chinese has no text that was left in English', () => {
    for (const [name, leaf] of leaves(dictionaries.zh)) {
      if (SAME.has(name)) continue;
      expect(/\p{Script=Han}/u.test(textOf(leaf)), `${name}: ${textOf(leaf)}`).toBe(true);
    }
  });

  it('texts with values show all of them', () => {
    for (const locale of LOCALES) {
      for (const [name, leaf] of leaves(dictionaries[locale])) {
        if (typeof leaf === 'string') continue;
        const used = name === 'stats.tokens' ? 1 : leaf.length;
        for (const value of ['7', '8', '9'].slice(0, used))
          expect(textOf(leaf), name).toContain(value);
      }
    }
  });

  it('explain every failure and every control', () => {
    for (const locale of LOCALES) {
      for (const kind of FAILURE_KINDS)
        expect(dictionaries[locale].failures[kind].advice).toBeTruthy();
      for (const { key } of SAMPLING_CONTROLS)
        expect(dictionaries[locale].sampling[key].help).toBeTruthy();
    }
  });

  it('are chosen by the browser’s order of languages', () => {
    expect(preferredLocale(['zh-TW', 'en'])).toBe('zh');
    expect(preferredLocale(['de-DE', 'en-GB', 'zh'])).toBe('en');
    expect(preferredLocale(['fr'])).toBe('en');
    expect(preferredLocale([])).toBe('en');
  });
});

describe('the source', () => {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const components = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.tsx'),
  );

  it.each(components)('%s holds no text of its own', (path) => {
    const code = readFileSync(join(source, path), 'utf8');
    const texts = [...code.matchAll(/>\s*([A-Za-z\u4e00-\u9fff][^<>{}();=]*)<\//g)].map(
      (match) => match[1],
    );
    const labels = [...code.matchAll(/\b(?:aria-label|title|placeholder|alt)="([^"]+)"/g)].map(
      (match) => match[1],
    );
    const names = new Set(['Lathe']);
    expect([...texts, ...labels].filter((text) => !names.has(text ?? ''))).toEqual([]);
  });
});
