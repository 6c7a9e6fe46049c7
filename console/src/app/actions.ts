// What more than one place of the console does: buttons, menus and keys call these.
import { signal } from '@preact/signals';
import { pathOf, type Conversation, type Message } from '../chat/conversation';
import { exportJson } from '../chat/history';
import { splitThinking } from '../chat/thinking';
import { t } from '../i18n';
import { copyText } from '../ui/copy_button';
import { showToast } from '../ui/toast';
import { navigate, route } from './router';
import { preferences, setPreferences } from './preferences';
import { session } from './services';

export type OpenDialog = 'shortcuts' | 'key' | 'removeAll' | null;

export const openDialog = signal<OpenDialog>(null);

// The id of the message that is being edited.
export const editing = signal<string | null>(null);

// The sidebar and the settings cover the page on narrow windows; there they are open only
// until the next choice, and this is their state.
export const narrow = window.matchMedia('(max-width: 60rem)');
export const isNarrow = signal(narrow.matches);
export const drawer = signal<'sidebar' | 'settings' | null>(null);
narrow.addEventListener('change', () => {
  isNarrow.value = narrow.matches;
  drawer.value = null;
});

export function toggleSidebar(): void {
  if (isNarrow.value) drawer.value = drawer.value === 'sidebar' ? null : 'sidebar';
  else setPreferences({ sidebarOpen: !preferences.value.sidebarOpen });
}

export function toggleSettings(): void {
  if (isNarrow.value) drawer.value = drawer.value === 'settings' ? null : 'settings';
  else setPreferences({ settingsOpen: !preferences.value.settingsOpen });
}

export function showChat(conversation: string | null): void {
  drawer.value = null;
  editing.value = null;
  if (conversation === null) session.startNew();
  navigate({ page: 'chat', conversation });
  if (conversation === null) focusComposer();
}

// Back to the conversation that was open; on the chat page itself a new one.
export function showCurrentChat(): void {
  const { id, messages } = session.current.value;
  showChat(route.value.page !== 'chat' && messages.length > 0 ? id : null);
}

export function showModel(): void {
  drawer.value = null;
  navigate({ page: 'model' });
}

export function showRuns(): void {
  drawer.value = null;
  navigate({ page: 'runs' });
}

export function focusComposer(): void {
  requestAnimationFrame(() => document.getElementById('composer')?.focus());
}

export function isAnswering(): boolean {
  return session.answering.value.has(session.currentConversationId.value);
}

export function stopAnswer(): boolean {
  if (!isAnswering()) return false;
  session.stop(session.current.value.id);
  focusComposer();
  return true;
}

export function regenerateLast(): void {
  const last = lastOf('assistant');
  if (last) session.regenerate(last);
}

export function editLast(): void {
  const last = lastOf('user');
  if (last && !isAnswering()) editing.value = last.id;
}

export function copyLast(): void {
  const last = lastOf('assistant');
  if (last) {
    void copyText(splitThinking(last.content).answer).then((done) => {
      if (done) showToast(t.value.app.copied);
    });
  }
}

export function removeConversation(conversation: Conversation): void {
  const removed = session.remove(conversation.id);
  if (!removed) return;
  showToast(t.value.history.removed(removed.title || t.value.history.untitled), {
    label: t.value.app.undo,
    run: () => {
      session.restore(removed);
      showChat(removed.id);
    },
  });
}

export function exportConversations(conversations: readonly Conversation[]): void {
  const now = new Date();
  const blob = new Blob([exportJson(conversations, now)], { type: 'application/json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  const only = conversations.length === 1 ? conversations[0]?.title : undefined;
  link.download = `lathe-${fileName(only ?? 'conversations')}-${now.toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function fileName(title: string): string {
  const words = title.match(/[\p{L}\p{N}]+/gu) ?? ['conversation'];
  return words.join('-').slice(0, 40).toLowerCase();
}

function lastOf(role: Message['role']): Message | undefined {
  return pathOf(session.current.value).findLast((message) => message.role === role);
}
