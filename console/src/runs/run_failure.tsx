import type { Failure } from '../api/failure';
import { FailureNote } from '../chat/failure_note';
import { t } from '../i18n';

// A failure in the words of these pages: what is missing is a run, what is refused a comparison.
export function RunFailure({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
  const { gone, refused } = t.value.runs.failures;
  const text = { not_found: gone, invalid_request: refused }[failure.kind as string];
  return <FailureNote failure={failure} onRetry={onRetry} {...(text ? { text } : {})} />;
}
