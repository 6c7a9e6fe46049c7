import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { announce } from './announce';
import { Icon } from './icon';
import { IconButton } from './icon_button';
import { showToast } from './toast';

const SHOWN_MS = 1600;

// True if the text is on the clipboard.
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that are neither https nor localhost have no clipboard object.
    if (!copyBySelection(text)) {
      showToast(t.value.app.copyFailed);
      return false;
    }
  }
  announce(t.value.app.copied);
  return true;
}

function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}

export function CopyButton({
  text,
  label,
  words,
}: {
  text: string;
  label: string;
  words?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const onClick = () => void copyText(text).then(setCopied);
  const icon = copied ? 'check' : 'copy';
  const shown = copied ? t.value.app.copied : label;
  if (!words) return <IconButton icon={icon} label={shown} onClick={onClick} size={16} />;
  return (
    <button type="button" class="copy-words" onClick={onClick} aria-label={shown}>
      <Icon name={icon} size={14} />
      {copied ? t.value.app.copied : t.value.app.copy}
    </button>
  );
}
