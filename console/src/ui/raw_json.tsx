import { t } from '../i18n';
import { CopyButton } from './copy_button';

// Everything there is, for whoever wants more than the page shows.
export function RawJson({ title, json }: { title: string; json: unknown }) {
  const raw = JSON.stringify(json, null, 2);
  return (
    <details class="card raw">
      <summary>{title}</summary>
      <div class="raw-copy">
        <CopyButton text={raw} label={t.value.app.copy} words />
      </div>
      <pre tabIndex={0}>{raw}</pre>
    </details>
  );
}
