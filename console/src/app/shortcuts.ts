// Keys that work anywhere. Those without Ctrl or Alt stay away from text fields, and can
// be turned off (WCAG 2.1.4).
import { preferences } from './preferences';
import { route } from './router';
import {
  copyLast,
  drawer,
  editLast,
  editing,
  focusComposer,
  openDialog,
  regenerateLast,
  showChat,
  showCurrentChat,
  showModel,
  showRuns,
  stopAnswer,
  toggleSettings,
  toggleSidebar,
} from './actions';

const onChat = (run: () => void) => () => {
  if (route.value.page === 'chat') run();
};

const SINGLE_KEYS: Record<string, () => void> = {
  '/': () => {
    if (route.value.page !== 'chat') showCurrentChat();
    focusComposer();
  },
  n: () => showChat(null),
  r: onChat(regenerateLast),
  e: onChat(editLast),
  c: onChat(copyLast),
  s: onChat(toggleSettings),
  b: toggleSidebar,
  h: () => {
    if (route.value.page !== 'chat') showCurrentChat();
  },
  m: showModel,
  u: showRuns,
  '?': () => {
    openDialog.value = 'shortcuts';
  },
};

export function listenForShortcuts(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === 'Escape' && escape()) {
      event.preventDefault();
      return;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!plain || !preferences.value.singleKeys || openDialog.value || isTextField(event.target))
      return;
    const run = SINGLE_KEYS[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });
}

// Closes or stops one thing; true if there was one.
function escape(): boolean {
  if (drawer.value) {
    drawer.value = null;
    return true;
  }
  if (editing.value) {
    editing.value = null;
    focusComposer();
    return true;
  }
  return stopAnswer();
}

function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return (
    target instanceof HTMLInputElement && !['checkbox', 'radio', 'range'].includes(target.type)
  );
}
