import { useEffect, useRef, useState } from 'preact/hooks';
import { editLast, focusComposer, isNarrow, stopAnswer } from '../app/actions';
import { connection, session } from '../app/services';
import { t } from '../i18n';
import { formatWhole } from '../ui/format';
import { GrowingField, isSendKey } from '../ui/growing_field';
import { Icon } from '../ui/icon';
import { pathOf } from './conversation';

// Text that is not sent yet stays with its conversation while the page is open.
const drafts = new Map<string, string>();

export function Composer() {
  const id = session.currentConversationId.value;
  const [text, setText] = useState(drafts.get(id) ?? '');
  const field = useRef<HTMLTextAreaElement>(null);
  const texts = t.value.chat;
  const answering = session.answering.value.has(id);
  const canSend = text.trim() !== '' && !answering && connection.model.value !== '';

  useEffect(() => {
    drafts.set(id, text);
  }, [id, text]);
  useEffect(() => {
    if (!isNarrow.value) field.current?.focus();
  }, []);

  const send = () => {
    if (!canSend) return;
    drafts.delete(id);
    setText('');
    session.send(text.trim());
    focusComposer();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (isSendKey(event)) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && text === '' && !event.isComposing) {
      event.preventDefault();
      editLast();
    }
  };

  return (
    <div class="composer-frame">
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        onClick={(event) => {
          if (event.target === event.currentTarget) field.current?.focus();
        }}
      >
        <GrowingField
          id="composer"
          fieldRef={field}
          class="composer-field"
          label={texts.field}
          placeholder={texts.placeholder}
          describedBy="composer-hint"
          value={text}
          heightMax={240}
          onInput={setText}
          onKeyDown={onKeyDown}
        />
        <div class="composer-foot">
          <span class="composer-hint" id="composer-hint">
            {answering ? texts.hintStop : texts.hint}
          </span>
          <ContextMeter />
          {answering ? (
            <button
              type="button"
              class="send stop"
              aria-label={texts.stop}
              title={texts.stop}
              onClick={stopAnswer}
            >
              <Icon name="stop" />
            </button>
          ) : (
            <button
              type="submit"
              class="send"
              aria-label={texts.send}
              title={texts.send}
              disabled={!canSend}
            >
              <Icon name="arrowUp" />
            </button>
          )}
        </div>
      </form>
    </div>
  );
}

// How much of the model's context the last answer had in use.
function ContextMeter() {
  const length = connection.contextLength.value;
  const usage = pathOf(session.current.value).findLast(({ answer }) => answer?.usage)?.answer
    ?.usage;
  if (!length || !usage) return null;
  const used = usage.promptTokens + usage.completionTokens;
  const texts = t.value.stats;
  const label = texts.context(formatWhole(used), formatWhole(length));
  const share = Math.min(1, used / length);
  return (
    <span
      class={share > 0.85 ? 'context-meter high numbers' : 'context-meter numbers'}
      title={label}
    >
      <svg width="16" height="16" viewBox="0 0 16 16" role="img" aria-label={label}>
        <circle cx="8" cy="8" r="6" class="context-all" />
        <circle
          cx="8"
          cy="8"
          r="6"
          class="context-used"
          pathLength={100}
          stroke-dasharray={`${(share * 100).toFixed(1)} 100`}
          transform="rotate(-90 8 8)"
        />
      </svg>
      <span aria-hidden="true">{texts.contextShort(formatWhole(used), formatWhole(length))}</span>
    </span>
  );
}
