import { memo } from '../ui/memo';
import { useEffect, useRef, useState } from 'preact/hooks';
import { editing, focusComposer } from '../app/actions';
import { session } from '../app/services';
import { t } from '../i18n';
import { MarkdownView } from '../markdown/markdown_view';
import { CopyButton } from '../ui/copy_button';
import { GrowingField, isSendKey } from '../ui/growing_field';
import { Icon } from '../ui/icon';
import { IconButton } from '../ui/icon_button';
import { Mark } from '../ui/spindle';
import { siblingsOf, type Answer, type Conversation, type Message } from './conversation';
import { FailureNote } from './failure_note';
import type { LiveAnswer } from './session';
import { AnswerStatsLine, LiveStrip } from './stats_line';
import { splitThinking } from './thinking';

export interface MessageViewProps {
  message: Message;
  versions: Conversation | null; // if the message has alternatives in it
  isLast: boolean;
  busy: boolean; // an answer is under way in this conversation
  live: LiveAnswer | null; // if it is this one
}

export const MessageView = memo((props: MessageViewProps) =>
  props.message.role === 'user' ? <Question {...props} /> : <AnswerView {...props} />,
);

function Question({ message, versions, busy }: MessageViewProps) {
  const texts = t.value.chat;
  const isEdited = editing.value === message.id && !busy;
  return (
    <li class="message question">
      <article aria-label={texts.you}>
        {isEdited ? (
          <EditField message={message} />
        ) : (
          <div class="question-text" dir="auto">
            {message.content}
          </div>
        )}
        {!isEdited && (
          <div class="message-actions">
            <Versions conversation={versions} message={message} disabled={busy} />
            <CopyButton text={message.content} label={t.value.app.copy} />
            <IconButton
              icon="edit"
              size={16}
              label={texts.edit}
              disabled={busy}
              onClick={() => {
                editing.value = message.id;
              }}
            />
          </div>
        )}
      </article>
    </li>
  );
}

function EditField({ message }: { message: Message }) {
  const texts = t.value.chat;
  const [text, setText] = useState(message.content);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(message.content.length, message.content.length);
  }, []);
  const done = (resend: boolean) => {
    editing.value = null;
    if (resend && text.trim()) session.resend(message, text.trim());
    focusComposer();
  };
  return (
    <div class="edit">
      <GrowingField
        fieldRef={field}
        class="field"
        label={texts.editField}
        value={text}
        heightMax={400}
        onInput={setText}
        onKeyDown={(event) => {
          if (!isSendKey(event)) return;
          event.preventDefault();
          done(true);
        }}
      />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => done(false)}>
          {t.value.app.cancel}
        </button>
        <button
          type="button"
          class="button primary"
          disabled={text.trim() === ''}
          onClick={() => done(true)}
        >
          {texts.resend}
        </button>
      </div>
    </div>
  );
}

function AnswerView({ message, versions, isLast, busy, live }: MessageViewProps) {
  const texts = t.value.chat;
  const { answer } = message;
  const parts = splitThinking(message.content, answer?.thinking);
  const streaming = live !== null;
  return (
    <li class="message answer">
      <article aria-label={texts.assistant} aria-busy={streaming}>
        <div class="answer-name">
          <Mark size={18} turning={streaming} />
          <span>{answer?.model || texts.assistant}</span>
          {live && <LiveStrip live={live} />}
        </div>
        {parts.thinking && (
          <details class="thinking" open={!parts.thinkingIsOver}>
            <summary>{parts.thinkingIsOver ? texts.thought : texts.thinking}</summary>
            <MarkdownView text={parts.thinking} />
          </details>
        )}
        {parts.answer && (
          <div class={streaming ? 'answer-text streaming' : 'answer-text'}>
            <MarkdownView text={parts.answer} />
          </div>
        )}
        {streaming && !message.content && <p class="answer-waiting">{texts.waiting}</p>}
        {!streaming && answer && <AnswerEnd message={message} answer={answer} isLast={isLast} />}
        {!streaming && (
          <div class="message-actions">
            <Versions conversation={versions} message={message} disabled={busy} />
            {parts.answer && <CopyButton text={parts.answer} label={t.value.app.copy} />}
            <IconButton
              icon="again"
              size={16}
              label={texts.regenerate}
              disabled={busy}
              onClick={() => session.regenerate(message)}
            />
            {answer?.stats && answer.stats.tokens > 0 && (
              <AnswerStatsLine stats={answer.stats} usage={answer.usage} />
            )}
          </div>
        )}
      </article>
    </li>
  );
}

// How the answer ended, unless it simply is complete.
function AnswerEnd({
  message,
  answer,
  isLast,
}: {
  message: Message;
  answer: Answer;
  isLast: boolean;
}) {
  const texts = t.value.chat;
  if (answer.state === 'failed' && answer.failure) {
    return (
      <>
        {message.content && <span class="end-note warning">{texts.unfinished}</span>}
        <FailureNote
          failure={answer.failure}
          onRetry={isLast ? () => session.regenerate(message) : undefined}
        />
      </>
    );
  }
  if (answer.state === 'stopped') return <span class="end-note">{texts.stopped}</span>;
  if (answer.state === 'length') return <span class="end-note warning">{texts.reachedLimit}</span>;
  return message.content ? null : <p class="answer-waiting">{texts.emptyAnswer}</p>;
}

function Versions({
  conversation,
  message,
  disabled,
}: {
  conversation: Conversation | null;
  message: Message;
  disabled: boolean;
}) {
  if (!conversation) return null;
  const texts = t.value.chat;
  const versions = siblingsOf(conversation, message);
  const at = versions.findIndex(({ id }) => id === message.id);
  const go = (to: number) => {
    const version = versions[to];
    if (version) session.chooseVersion(version);
  };
  return (
    <span class="versions" role="group" aria-label={texts.version(at + 1, versions.length)}>
      <button
        type="button"
        aria-label={texts.previousVersion}
        title={texts.previousVersion}
        disabled={disabled || at === 0}
        onClick={() => go(at - 1)}
      >
        <Icon name="chevronLeft" size={14} />
      </button>
      <span class="numbers" aria-hidden="true">
        {at + 1}/{versions.length}
      </span>
      <button
        type="button"
        aria-label={texts.nextVersion}
        title={texts.nextVersion}
        disabled={disabled || at === versions.length - 1}
        onClick={() => go(at + 1)}
      >
        <Icon name="chevronRight" size={14} />
      </button>
    </span>
  );
}
