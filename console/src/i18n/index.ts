// The language of the console: `t.value` is the dictionary in force; whoever reads it in
// a component is drawn again when the language changes.
import { computed } from '@preact/signals';
import { preferences } from '../app/preferences';
import { en, type Dictionary } from './en';
import { zh } from './zh';

export type Locale = 'en' | 'zh';

export const LOCALES: readonly Locale[] = ['en', 'zh'];

export const dictionaries: Record<Locale, Dictionary> = { en, zh };

// What `lang` attributes say.
export const LANGUAGE_TAGS: Record<Locale, string> = { en: 'en', zh: 'zh-CN' };

// The first language of the browser that the console speaks.
export function preferredLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const primary = language.toLowerCase().split('-', 1)[0];
    const known = LOCALES.find((locale) => locale === primary);
    if (known) return known;
  }
  return 'en';
}

export const locale = computed<Locale>(
  () => preferences.value.locale ?? preferredLocale(globalThis.navigator?.languages ?? []),
);

export const t = computed<Dictionary>(() => dictionaries[locale.value]);
