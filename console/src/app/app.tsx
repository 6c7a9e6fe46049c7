import { useEffect } from 'preact/hooks';
import { ChatPage } from '../chat/chat_page';
import { SettingsPanel } from '../chat/settings_panel';
import { LANGUAGE_TAGS, locale, t } from '../i18n';
import { ModelPage } from '../model/model_page';
import { ComparePage } from '../runs/compare_page';
import { RunPage } from '../runs/run_page';
import { RunsPage } from '../runs/runs_page';
import { Announcer } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Toasts } from '../ui/toast';
import { drawer, focusComposer, isNarrow, openDialog } from './actions';
import { KeyDialog } from './key_dialog';
import { preferences } from './preferences';
import { route, type Route } from './router';
import { session } from './services';
import { ShortcutsDialog } from './shortcuts_dialog';
import { Sidebar } from './sidebar';

export function App() {
  const page = route.value.page;
  const sidebar = isNarrow.value ? drawer.value === 'sidebar' : preferences.value.sidebarOpen;
  const settingsWanted = isNarrow.value
    ? drawer.value === 'settings'
    : preferences.value.settingsOpen;
  const settings = settingsWanted && page === 'chat';
  const covered = isNarrow.value && (sidebar || settings);
  useDrawerFocus();
  return (
    <>
      <DocumentState />
      {page === 'chat' && (
        <a
          class="skip-link"
          href="#composer"
          onClick={(event) => {
            event.preventDefault();
            focusComposer();
          }}
        >
          {t.value.app.skip}
        </a>
      )}
      <div class="shell">
        {sidebar && <Sidebar />}
        <main class="page" inert={covered}>
          <CurrentPage />
        </main>
        {settings && <SettingsPanel />}
        {covered && (
          <div
            class="scrim"
            aria-hidden="true"
            onClick={() => {
              drawer.value = null;
            }}
          />
        )}
      </div>
      <Dialogs />
      <Toasts />
      <Announcer />
    </>
  );
}

function CurrentPage() {
  const at = route.value;
  switch (at.page) {
    case 'chat':
      return <ChatPage />;
    case 'model':
      return <ModelPage />;
    case 'runs':
      return <RunsPage />;
    case 'run':
      return <RunPage key={at.id} id={at.id} />;
    case 'compare':
      return <ComparePage a={at.a} b={at.b} />;
  }
}

// What the title of the window says of a page.
function headingOf(at: Route, conversation: string): string {
  switch (at.page) {
    case 'chat':
      return conversation;
    case 'model':
      return t.value.model.title;
    case 'runs':
      return t.value.runs.title;
    case 'run':
      return at.id;
    case 'compare':
      return t.value.runs.compareTitle;
  }
}

// The title, language and theme of the document; draws nothing.
function DocumentState() {
  const { theme } = preferences.value;
  const language = locale.value;
  const { title, messages } = session.current.value;
  const heading = headingOf(route.value, messages.length > 0 ? title : '');
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    document.documentElement.lang = LANGUAGE_TAGS[language];
    document.title = heading ? `${heading} · Lathe` : 'Lathe';
  }, [theme, language, heading]);
  return null;
}

// An open drawer takes the focus and gives it back.
function useDrawerFocus() {
  const open = drawer.value;
  useEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    document.querySelector<HTMLElement>(`#${open} button, #${open} a`)?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [open]);
}

function Dialogs() {
  const close = () => {
    openDialog.value = null;
  };
  switch (openDialog.value) {
    case 'shortcuts':
      return <ShortcutsDialog onClose={close} />;
    case 'key':
      return <KeyDialog onClose={close} />;
    case 'removeAll':
      return <RemoveAllDialog onClose={close} />;
    default:
      return null;
  }
}

function RemoveAllDialog({ onClose }: { onClose: () => void }) {
  const texts = t.value.history;
  return (
    <Dialog title={texts.removeAllTitle} onClose={onClose}>
      <p>{texts.removeAllText(session.conversations.value.length)}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {t.value.app.cancel}
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            session.removeAll();
            onClose();
          }}
        >
          {texts.removeAllConfirm}
        </button>
      </div>
    </Dialog>
  );
}
