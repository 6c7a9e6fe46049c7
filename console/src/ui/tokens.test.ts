import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const css = readFileSync(fileURLToPath(new URL('tokens.css', import.meta.url)), 'utf8');

// Every `--name: light-dark(#light, #dark)`.
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }],
  ),
);

// WCAG 2.2: relative luminance and contrast ratio.
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const TEXTS: [text: string, grounds: string[]][] = [
  ['ink', ['paper', 'surface', 'raised', 'sunken', 'hover', 'bubble', 'brass-soft', 'danger-soft']],
  ['ink-soft', ['paper', 'surface', 'raised', 'sunken', 'hover', 'brass-soft', 'danger-soft']],
  ['ink-faint', ['paper', 'surface', 'raised']],
  ['accent', ['surface', 'raised', 'accent-soft']],
  ['on-accent', ['accent', 'accent-strong']],
  ['brass', ['surface', 'brass-soft']],
  ['danger', ['surface', 'raised', 'danger-soft']],
  ['code-comment', ['surface', 'raised']],
  ['code-string', ['surface', 'raised']],
  ['code-number', ['surface', 'raised']],
  ['code-keyword', ['surface', 'raised']],
];

describe.each(['light', 'dark'] as const)('the %s colours', (scheme) => {
  it.each(TEXTS.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    '%s on %s can be read (4.5 to 1)',
    (text, ground) => {
      const [front, back] = [colours.get(text), colours.get(ground)];
      if (!front || !back) throw new Error(`no colour ${front ? ground : text} in tokens.css`);
      expect(contrast(front[scheme], back[scheme])).toBeGreaterThanOrEqual(4.5);
    },
  );
});
