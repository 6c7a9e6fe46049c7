// One quiet voice for screen readers: what begins and ends, never the text that streams.
import { signal } from '@preact/signals';

const message = signal('');

export function announce(text: string): void {
  // The same text twice is said twice only if the region changes in between.
  message.value = text === message.value ? text + '\u00a0' : text;
}

export function Announcer() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {message.value}
    </div>
  );
}
