import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { drawer, isNarrow, toggleSettings, toggleSidebar } from '../app/actions';
import { preferences } from '../app/preferences';
import { session } from '../app/services';
import { t } from '../i18n';
import { Icon } from '../ui/icon';
import { IconButton } from '../ui/icon_button';
import { Composer } from './composer';
import { pathOf, siblingsOf } from './conversation';
import { MessageView } from './message_view';
import { Welcome } from './welcome';

const NEAR_END_PX = 80;

export function ChatPage() {
  const conversation = session.current.value;
  const path = pathOf(conversation);
  const isEmpty = path.length === 0;
  return (
    <>
      <ChatHead title={isEmpty ? '' : conversation.title || t.value.history.untitled} />
      {isEmpty ? <Welcome /> : <Messages key={conversation.id} />}
      {session.storageIsFull.value && (
        <p class="storage-note" role="alert">
          {t.value.app.storageFull}
        </p>
      )}
      <Composer key={conversation.id} />
    </>
  );
}

function ChatHead({ title }: { title: string }) {
  const texts = t.value;
  const sidebar = isNarrow.value ? drawer.value === 'sidebar' : preferences.value.sidebarOpen;
  const settings = isNarrow.value ? drawer.value === 'settings' : preferences.value.settingsOpen;
  return (
    <header class="page-head">
      {!sidebar && (
        <IconButton
          icon="sidebar"
          label={texts.app.openSidebar}
          expanded={false}
          controls="sidebar"
          onClick={toggleSidebar}
        />
      )}
      {title ? <h1>{title}</h1> : <span class="page-head-space" />}
      <IconButton
        icon="sliders"
        label={settings ? texts.settings.close : texts.settings.open}
        expanded={settings}
        controls="settings"
        onClick={toggleSettings}
      />
    </header>
  );
}

function Messages() {
  const conversation = session.current.value;
  const path = pathOf(conversation);
  const live = session.liveAnswers.value.get(conversation.id);
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const placed = useRef(-1); // where we have scrolled to, until that is heard of
  const before = useRef(0); // where it was when last heard of
  const [away, setAway] = useState(false);
  const last = path.at(-1);

  const toEnd = () => {
    const element = scroller.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    placed.current = element.scrollTop;
    before.current = element.scrollTop;
  };

  // The end stays in sight while text comes, unless the reader has scrolled up.
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  });

  // One's own message is always brought into sight.
  useEffect(() => {
    follows.current = true;
    toEnd();
  }, [path.length, last?.id]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    // Our own move, heard of after the reader has turned the wheel, must not undo that.
    if (!follows.current && element.scrollTop === placed.current) return;
    placed.current = -1;
    const fromEnd = element.scrollHeight - element.scrollTop - element.clientHeight;
    // The first pixels of a smooth scroll upwards are near the end too.
    const upwards = element.scrollTop < before.current;
    before.current = element.scrollTop;
    follows.current = fromEnd < 1 || (!upwards && fromEnd < NEAR_END_PX);
    setAway(!follows.current);
  };

  // Text that arrives between the wheel and its scroll event must not undo it.
  const onWheel = (event: WheelEvent) => {
    const element = scroller.current;
    if (!element || event.deltaY >= 0 || element.scrollTop === 0) return;
    follows.current = false;
    setAway(true);
  };

  return (
    <div class="messages-frame">
      <div class="messages-scroll" ref={scroller} onScroll={onScroll} onWheel={onWheel}>
        <ol class="messages" aria-label={t.value.chat.messages}>
          {path.map((message) => (
            <MessageView
              key={message.id}
              message={message}
              versions={siblingsOf(conversation, message).length > 1 ? conversation : null}
              isLast={message === last}
              busy={live !== undefined}
              live={live?.messageId === message.id ? live : null}
            />
          ))}
        </ol>
      </div>
      {away && (
        <button
          type="button"
          class="button to-latest"
          onClick={() => {
            follows.current = true;
            toEnd();
          }}
        >
          <Icon name="arrowDown" size={16} />
          {t.value.chat.latest}
        </button>
      )}
    </div>
  );
}
