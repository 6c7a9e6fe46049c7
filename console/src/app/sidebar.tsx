import { useState } from 'preact/hooks';
import type { Conversation } from '../chat/conversation';
import { LANGUAGE_TAGS, LOCALES, dictionaries, locale, t } from '../i18n';
import { IconButton } from '../ui/icon_button';
import { Icon, type IconName } from '../ui/icon';
import { memo } from '../ui/memo';
import { Menu } from '../ui/menu';
import { Mark } from '../ui/spindle';
import { formatDate } from '../ui/format';
import {
  exportConversations,
  openDialog,
  removeConversation,
  showChat,
  showCurrentChat,
  showModel,
  showRuns,
  toggleSidebar,
} from './actions';
import { preferences, setPreferences, type Theme } from './preferences';
import { hashOf, route, type Route } from './router';
import { connection, session } from './services';

export function Sidebar() {
  return (
    <nav class="sidebar" id="sidebar" aria-label={t.value.app.navigation}>
      <div class="sidebar-head">
        <a class="brand" href="#/" onClick={go(() => showChat(null))}>
          <Mark size={22} />
          <span>Lathe</span>
        </a>
        <IconButton icon="sidebar" label={t.value.app.closeSidebar} onClick={toggleSidebar} />
      </div>
      <button type="button" class="button new-chat" onClick={() => showChat(null)}>
        <Icon name="plus" size={16} />
        {t.value.history.new}
      </button>
      <PageLink to={{ page: 'chat', conversation: null }} icon="chat" label={t.value.app.chat} />
      <PageLink to={{ page: 'model' }} icon="model" label={t.value.app.model} />
      <PageLink to={{ page: 'runs' }} icon="runs" label={t.value.app.runs} />
      <ConversationList />
      <SidebarFoot />
    </nav>
  );
}

// A link that can be opened elsewhere, and otherwise does not load the page again.
function go(run: () => void) {
  return (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    run();
  };
}

// The link of the sidebar under which a page lies.
function placeOf({ page }: Route): 'chat' | 'model' | 'runs' {
  return page === 'run' || page === 'compare' ? 'runs' : page;
}

function PageLink({ to, icon, label }: { to: Route; icon: IconName; label: string }) {
  const isHere = placeOf(route.value) === to.page;
  const open = { chat: showCurrentChat, model: showModel, runs: showRuns }[placeOf(to)];
  return (
    <a
      class="page-link"
      href={hashOf(to)}
      aria-current={isHere ? 'page' : undefined}
      onClick={go(open)}
    >
      <Icon name={icon} size={18} />
      {label}
    </a>
  );
}

function ConversationList() {
  const texts = t.value.history;
  const all = session.conversations.value;
  return (
    <section class="history" aria-label={texts.title}>
      <div class="history-head">
        <h2>{texts.title}</h2>
        {all.length > 0 && (
          <Menu
            label={t.value.app.moreActions}
            icon="more"
            items={[
              {
                label: texts.exportAll,
                icon: 'download',
                onSelect: () => exportConversations(all),
              },
              {
                label: texts.removeAll,
                icon: 'trash',
                danger: true,
                onSelect: () => {
                  openDialog.value = 'removeAll';
                },
              },
            ]}
          />
        )}
      </div>
      <div class="history-list">
        {all.length === 0 && <p class="history-empty">{texts.empty}</p>}
        {groupsOf(all).map(([name, conversations]) => (
          <div key={name} role="group" aria-label={texts.groups[name]}>
            <h3>{texts.groups[name]}</h3>
            <ul>
              {conversations.map((conversation) => (
                <ConversationRow key={conversation.id} conversation={conversation} />
              ))}
            </ul>
          </div>
        ))}
      </div>
    </section>
  );
}

type GroupName = 'today' | 'yesterday' | 'week' | 'older';

function groupsOf(conversations: readonly Conversation[]): [GroupName, Conversation[]][] {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const day = 86_400_000;
  const groups: Record<GroupName, Conversation[]> = {
    today: [],
    yesterday: [],
    week: [],
    older: [],
  };
  for (const conversation of conversations) {
    const at = conversation.updatedAt;
    if (at >= midnight) groups.today.push(conversation);
    else if (at >= midnight - day) groups.yesterday.push(conversation);
    else if (at >= midnight - 7 * day) groups.week.push(conversation);
    else groups.older.push(conversation);
  }
  return (Object.entries(groups) as [GroupName, Conversation[]][]).filter(
    ([, list]) => list.length > 0,
  );
}

const ConversationRow = memo(({ conversation }: { conversation: Conversation }) => {
  const [renaming, setRenaming] = useState(false);
  const texts = t.value.history;
  const title = conversation.title || texts.untitled;
  if (renaming)
    return <RenameField conversation={conversation} onDone={() => setRenaming(false)} />;
  const at = route.value;
  const isHere = at.page === 'chat' && session.currentConversationId.value === conversation.id;
  const answering = session.answering.value.has(conversation.id);
  return (
    <li class="history-row">
      <a
        href={hashOf({ page: 'chat', conversation: conversation.id })}
        aria-current={isHere ? 'page' : undefined}
        title={`${title}\n${formatDate(conversation.updatedAt)}`}
        onClick={go(() => showChat(conversation.id))}
      >
        <span class="history-title">{title}</span>
        {answering && <span class="history-live" role="img" aria-label={texts.running} />}
      </a>
      <Menu
        label={texts.actions(title)}
        icon="more"
        items={[
          { label: texts.rename, icon: 'edit', onSelect: () => setRenaming(true) },
          {
            label: texts.export,
            icon: 'download',
            onSelect: () => exportConversations([conversation]),
          },
          {
            label: texts.remove,
            icon: 'trash',
            danger: true,
            onSelect: () => removeConversation(conversation),
          },
        ]}
      />
    </li>
  );
});

function RenameField({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const finish = (title: string) => {
    session.rename(conversation.id, title);
    onDone();
  };
  return (
    <li class="history-row">
      <input
        class="field"
        aria-label={t.value.history.titleField}
        value={conversation.title}
        maxLength={120}
        ref={(field) => field?.select()}
        onBlur={(event) => finish(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing || event.keyCode === 229) return;
          if (event.key === 'Enter') finish(event.currentTarget.value);
          else if (event.key === 'Escape') onDone();
          else return;
          event.preventDefault();
        }}
      />
    </li>
  );
}

function SidebarFoot() {
  const texts = t.value.app;
  const themes: [Theme, IconName][] = [
    ['auto', 'contrast'],
    ['light', 'sun'],
    ['dark', 'moon'],
  ];
  const theme = preferences.value.theme;
  return (
    <div class="sidebar-foot">
      <ServerStatus />
      <div class="sidebar-switches">
        <Menu
          label={texts.languageLabel}
          icon="globe"
          items={LOCALES.map((choice) => ({
            label: dictionaries[choice].language,
            lang: LANGUAGE_TAGS[choice],
            checked: locale.value === choice,
            onSelect: () => setPreferences({ locale: choice }),
          }))}
        />
        <Menu
          label={texts.themeLabel}
          icon={themes.find(([name]) => name === theme)?.[1] ?? 'contrast'}
          items={themes.map(([name, icon]) => ({
            label: texts.themes[name],
            icon,
            checked: name === theme,
            onSelect: () => setPreferences({ theme: name }),
          }))}
        />
        <IconButton
          icon="keyboard"
          label={t.value.shortcuts.title}
          onClick={() => {
            openDialog.value = 'shortcuts';
          }}
        />
      </div>
    </div>
  );
}

function ServerStatus() {
  const status = connection.status.value;
  const models = connection.models.value;
  return (
    <div class="server">
      <span class={`server-dot ${status}`} aria-hidden="true" />
      <span class="server-text">
        <span class="server-status">{t.value.status[status]}</span>
        {models.length > 1 ? (
          <select
            class="server-model"
            aria-label={t.value.app.choosesModel}
            value={connection.model.value}
            onChange={(event) => setPreferences({ model: event.currentTarget.value })}
          >
            {models.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
        ) : (
          <span class="server-model" title={connection.model.value}>
            {connection.model.value}
          </span>
        )}
      </span>
    </div>
  );
}
