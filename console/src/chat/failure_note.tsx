import { useEffect, useState } from 'preact/hooks';
import { openDialog } from '../app/actions';
import { canRetry, type Failure } from '../api/failure';
import { t } from '../i18n';
import type { FailureText } from '../i18n/en';
import { Icon } from '../ui/icon';

// What went wrong, what to do about it, and the button that does it.
// A page with words of its own for a kind of failure gives them as `text`.
export function FailureNote({
  failure,
  onRetry,
  text,
}: {
  failure: Failure;
  onRetry?: () => void;
  text?: FailureText;
}) {
  const texts = t.value.chat;
  const { title, advice } = text ?? t.value.failures[failure.kind];
  return (
    <div class={`failure ${failure.kind}`} role="alert">
      <Icon name="warning" />
      <div>
        <strong>{title}</strong>
        <p>{withCode(advice)}</p>
        {failure.message && failure.status !== undefined && (
          <p class="failure-detail">
            {texts.serverSays}: <q>{failure.message}</q>
            {failure.requestId && (
              <span>
                {' '}
                · {texts.requestId} <code>{failure.requestId}</code>
              </span>
            )}
          </p>
        )}
        <div class="failure-actions">
          {(failure.kind === 'unauthorized' || failure.kind === 'forbidden') && (
            <button
              type="button"
              class="button"
              onClick={() => {
                openDialog.value = 'key';
              }}
            >
              <Icon name="key" size={16} />
              {texts.enterKey}
            </button>
          )}
          {onRetry && (
            <RetryButton
              onRetry={onRetry}
              waitSeconds={canRetry(failure.kind) ? (failure.retryAfterSeconds ?? 0) : 0}
            />
          )}
        </div>
      </div>
    </div>
  );
}

// Counts down the time that the server asked for.
function RetryButton({ onRetry, waitSeconds }: { onRetry: () => void; waitSeconds: number }) {
  const [left, setLeft] = useState(Math.ceil(waitSeconds));
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <button type="button" class="button" disabled={left > 0} onClick={onRetry}>
      <Icon name="again" size={16} />
      {left > 0 ? t.value.chat.retryIn(left) : t.value.chat.retry}
    </button>
  );
}

// Backticks in the console's own texts mark commands.
function withCode(text: string) {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
