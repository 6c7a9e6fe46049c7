// Numbers as people of the language in force write them.
import { computed } from '@preact/signals';
import { LANGUAGE_TAGS, locale } from '../i18n';

const formats = computed(() => {
  const tag = LANGUAGE_TAGS[locale.value];
  return {
    whole: new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }),
    three: new Intl.NumberFormat(tag, { maximumSignificantDigits: 3 }),
    compact: new Intl.NumberFormat(tag, { notation: 'compact', maximumSignificantDigits: 4 }),
    percent: new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 1 }),
    one: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    two: new Intl.NumberFormat(tag, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    places: new Intl.NumberFormat(tag, { minimumFractionDigits: 3, maximumFractionDigits: 3 }),
    four: new Intl.NumberFormat(tag, { maximumSignificantDigits: 4 }),
    signed: new Intl.NumberFormat(tag, {
      minimumFractionDigits: 3,
      maximumFractionDigits: 3,
      signDisplay: 'exceptZero',
    }),
    date: new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' }),
  };
});

export const formatWhole = (value: number) => formats.value.whole.format(value);
export const formatCompact = (value: number) => formats.value.compact.format(value);
export const formatDate = (milliseconds: number) => formats.value.date.format(milliseconds);

// 1,536 bytes are 1.5 KiB.
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const format = unit === 0 ? formats.value.whole : formats.value.three;
  return `${format.format(value)} ${units[unit] ?? ''}`;
}

// A share of 1; what is there is never shown as 0 %.
export function formatShare(share: number): string {
  const { percent } = formats.value;
  return share > 0 && share < 0.001 ? `< ${percent.format(0.001)}` : percent.format(share);
}

export function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds < 10 ? formats.value.two.format(seconds) : formats.value.one.format(seconds);
}

export function formatRate(perSecond: number): string {
  return perSecond < 100 ? formats.value.one.format(perSecond) : formatWhole(perSecond);
}

// A score: three places for shares, which most are, four digits for the rest.
export function formatScore(value: number): string {
  return Math.abs(value) <= 1 ? formats.value.places.format(value) : formatDigits(value);
}

export const formatDifference = (value: number) => formats.value.signed.format(value);
export const formatDigits = (value: number) => formats.value.four.format(value);
