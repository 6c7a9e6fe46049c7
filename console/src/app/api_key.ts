// The key for servers that want one: of this tab, or of this browser if the user says so.
import { signal } from '@preact/signals';

const KEY = 'lathe.apiKey';

export const apiKey = signal<string>(load());

export function apiKeyIsKept(): boolean {
  return read(() => localStorage)?.getItem(KEY) != null;
}

export function setApiKey(key: string, keep: boolean): void {
  apiKey.value = key;
  for (const [storage, holds] of [
    [read(() => localStorage), keep],
    [read(() => sessionStorage), !keep],
  ] as const) {
    try {
      if (key && holds) storage?.setItem(KEY, key);
      else storage?.removeItem(KEY);
    } catch {
      // Without storage the key lives as long as the page.
    }
  }
}

function load(): string {
  return read(() => sessionStorage)?.getItem(KEY) ?? read(() => localStorage)?.getItem(KEY) ?? '';
}

function read(get: () => Storage): Storage | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
