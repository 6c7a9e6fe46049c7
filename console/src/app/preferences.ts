// What the user has chosen, kept in the browser. One signal; change it by setPreferences.
import { signal } from '@preact/signals';
import { readSampling, type Sampling } from '../chat/sampling';

export type Theme = 'auto' | 'light' | 'dark';

export interface Preferences {
  locale: 'en' | 'zh' | null; // null: the browser's
  theme: Theme;
  model: string | null; // null: the server's first
  sampling: Sampling;
  systemPrompt: string; // of new conversations
  settingsOpen: boolean;
  sidebarOpen: boolean;
  singleKeys: boolean; // shortcuts without Ctrl or Alt
}

const KEY = 'lathe.preferences';

export const preferences = signal<Preferences>(readPreferences(load()));

export function setPreferences(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.value));
  } catch {
    // Storage is full or forbidden: the choice holds until the page is closed.
  }
}

export function readPreferences(value: unknown): Preferences {
  const stored = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const pick = <T>(key: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((candidate) => candidate === stored[key]) ?? otherwise;
  return {
    locale: pick<'en' | 'zh' | null>('locale', ['en', 'zh'], null),
    theme: pick<Theme>('theme', ['auto', 'light', 'dark'], 'auto'),
    model: typeof stored['model'] === 'string' ? stored['model'] : null,
    sampling: readSampling(stored['sampling']),
    systemPrompt: typeof stored['systemPrompt'] === 'string' ? stored['systemPrompt'] : '',
    settingsOpen: pick('settingsOpen', [true, false], false),
    sidebarOpen: pick('sidebarOpen', [true, false], true),
    singleKeys: pick('singleKeys', [true, false], true),
  };
}

function load(): unknown {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    return null;
  }
}
