import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { apiKey, apiKeyIsKept, setApiKey } from './api_key';
import { connection } from './services';

export function KeyDialog({ onClose }: { onClose: () => void }) {
  const texts = t.value.key;
  const [key, setKey] = useState(apiKey.value);
  const [keep, setKeep] = useState(apiKeyIsKept());
  const [shown, setShown] = useState(false);
  const use = (chosen: string) => {
    setApiKey(chosen.trim(), keep);
    void connection.loadModels();
    onClose();
  };
  return (
    <Dialog title={texts.title} onClose={onClose}>
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          use(key);
        }}
      >
        <p>{texts.text}</p>
        <input
          class="field"
          type={shown ? 'text' : 'password'}
          aria-label={texts.field}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <label class="check">
          <input type="checkbox" checked={shown} onChange={() => setShown(!shown)} />
          {texts.show}
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={() => setKeep(!keep)} />
          {texts.remember}
        </label>
        <div class="dialog-actions">
          {apiKey.value && (
            <button type="button" class="button" onClick={() => use('')}>
              {texts.forget}
            </button>
          )}
          <button type="submit" class="button primary" disabled={key.trim() === ''}>
            {texts.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
