// Short notes at the top of the window that go by themselves.
import { signal } from '@preact/signals';
import { newId } from '../chat/conversation';

export interface Toast {
  id: string;
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8000;
const TOASTS_MAX = 3;

const toasts = signal<readonly Toast[]>([]);

export function showToast(text: string, action?: Toast['action']): void {
  const toast: Toast = { id: newId(), text, ...(action ? { action } : {}) };
  toasts.value = [...toasts.value, toast].slice(-TOASTS_MAX);
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

function dismiss(id: string): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span>{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
