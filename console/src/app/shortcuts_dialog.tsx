import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { preferences, setPreferences } from './preferences';

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const texts = t.value.shortcuts;
  const always: [string, string[]][] = [
    [texts.send, ['Enter']],
    [texts.newline, ['Shift+Enter']],
    [texts.stop, ['Esc']],
    [texts.editLast, ['↑']],
  ];
  const single: [string, string[]][] = [
    [texts.compose, ['/']],
    [texts.newChat, ['n']],
    [texts.regenerate, ['r']],
    [texts.edit, ['e']],
    [texts.copy, ['c']],
    [texts.settings, ['s']],
    [texts.sidebar, ['b']],
    [texts.chat, ['h']],
    [texts.model, ['m']],
    [texts.runs, ['u']],
    [texts.help, ['?']],
  ];
  return (
    <Dialog title={texts.title} onClose={onClose}>
      <Keys rows={always} />
      <div class="shortcuts-head">
        <h3>{texts.outside}</h3>
        <label class="check">
          <input
            type="checkbox"
            checked={preferences.value.singleKeys}
            onChange={(event) => setPreferences({ singleKeys: event.currentTarget.checked })}
          />
          {texts.enable}
        </label>
      </div>
      <Keys rows={single} dim={!preferences.value.singleKeys} />
    </Dialog>
  );
}

function Keys({ rows, dim = false }: { rows: [string, string[]][]; dim?: boolean }) {
  return (
    <dl class={dim ? 'shortcuts dim' : 'shortcuts'}>
      {rows.map(([name, keys]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
