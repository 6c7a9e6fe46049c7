import { t } from '../i18n';
import { CopyButton } from '../ui/copy_button';

export const EVALUATE = 'lathe eval --model MODEL --tasks TASK.yaml';

// Each command with what it is for, and a button that copies it.
export function Commands({ rows }: { rows: readonly [command: string, purpose?: string][] }) {
  return (
    <ul class="commands">
      {rows.map(([command, purpose]) => (
        <li key={command}>
          <div>
            <code>{command}</code>
            <CopyButton text={command} label={t.value.app.copy} />
          </div>
          {purpose && <p>{purpose}</p>}
        </li>
      ))}
    </ul>
  );
}
