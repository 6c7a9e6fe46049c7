// The objects behind the pages, made once and joined here.
import { effect } from '@preact/signals';
import { Client } from '../api/client';
import { History } from '../chat/history';
import { Session } from '../chat/session';
import { t } from '../i18n';
import { announce } from '../ui/announce';
import { apiKey } from './api_key';
import { Connection } from './connection';
import { preferences } from './preferences';
import { navigate, route } from './router';

const TICK_MS = 250;
const HIDDEN_FRAME_MS = 200;

export const client = new Client({ apiKey: () => apiKey.value || undefined });

export const connection = new Connection(client);

export const session = new Session({
  streamChat: (request, signal) => client.streamChat(request, signal),
  history: new History(safeStorage()),
  settings: () => ({
    model: connection.model.value,
    sampling: preferences.value.sampling,
    systemPrompt: preferences.value.systemPrompt,
  }),
  nowMs: () => performance.now(),
  wallClock: () => Date.now(),
  soon: (callback) => {
    // A hidden tab draws no frames, but its answer goes on.
    if (document.hidden) setTimeout(callback, HIDDEN_FRAME_MS);
    else requestAnimationFrame(callback);
  },
  onBegin: () => announce(t.value.chat.announceStarted),
  onEnd: ({ state, tokens, failure }) => {
    if (state === 'stopped') announce(t.value.chat.announceStopped);
    else if (!failure) announce(t.value.chat.announceDone(tokens));
    if (failure) void connection.check();
  },
});

export function startServices(): void {
  void connection.check();
  window.addEventListener('online', () => void connection.check());
  window.addEventListener('pagehide', () => session.saveAll());
  window.addEventListener('storage', (event) => {
    const id = History.idOfKey(event.key);
    if (id !== null) session.reload(id);
  });
  keepAddressAndSessionTogether();
  effect(() => {
    if (session.answering.value.size === 0) return undefined;
    const timer = setInterval(() => session.tick(), TICK_MS);
    return () => clearInterval(timer);
  });
}

function keepAddressAndSessionTogether(): void {
  effect(() => {
    const at = route.value;
    if (at.page !== 'chat') return;
    const isCurrent = session.current.peek().id === at.conversation;
    if (at.conversation === null) {
      if (session.current.peek().messages.length > 0) session.startNew();
    } else if (!isCurrent && !session.open(at.conversation)) {
      navigate({ page: 'chat', conversation: null }, 'replace');
    }
  });
  effect(() => {
    const { id, messages } = session.current.value;
    const at = route.peek();
    if (at.page !== 'chat') return;
    const conversation = messages.length > 0 ? id : null;
    if (at.conversation !== conversation) navigate({ page: 'chat', conversation }, 'push');
  });
}

// Browsers may forbid storage; then the conversations live as long as the page.
function safeStorage(): Storage {
  try {
    localStorage.getItem('');
    return localStorage;
  } catch {
    const entries = new Map<string, string>();
    return {
      get length() {
        return entries.size;
      },
      key: (index) => [...entries.keys()][index] ?? null,
      getItem: (key) => entries.get(key) ?? null,
      setItem: (key, value) => void entries.set(key, value),
      removeItem: (key) => void entries.delete(key),
      clear: () => entries.clear(),
    };
  }
}
