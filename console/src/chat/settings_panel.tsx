import { useId, useState } from 'preact/hooks';
import { toggleSettings } from '../app/actions';
import { preferences, setPreferences } from '../app/preferences';
import { session } from '../app/services';
import { t } from '../i18n';
import { IconButton } from '../ui/icon_button';
import { GrowingField } from '../ui/growing_field';
import { SAMPLING_CONTROLS, parseControl, withControl, type SamplingControl } from './sampling';

export function SettingsPanel() {
  const texts = t.value.settings;
  const { sampling } = preferences.value;
  return (
    <aside class="settings" id="settings" aria-label={texts.title}>
      <header class="page-head">
        <h2>{texts.title}</h2>
        <IconButton icon="close" label={texts.close} onClick={toggleSettings} />
      </header>
      <div class="settings-body">
        <SystemPrompt />
        <section aria-label={texts.sampling}>
          <div class="settings-head">
            <h3>{texts.sampling}</h3>
            <button
              type="button"
              class="text-button"
              disabled={Object.keys(sampling).length === 0}
              onClick={() => setPreferences({ sampling: {} })}
            >
              {texts.resetAll}
            </button>
          </div>
          <p class="settings-help">{texts.samplingHelp}</p>
          {SAMPLING_CONTROLS.map((control) => (
            <SamplingField key={control.key} control={control} />
          ))}
        </section>
      </div>
    </aside>
  );
}

function SystemPrompt() {
  const texts = t.value.settings;
  const help = useId();
  const { systemPrompt } = session.current.value;
  const isDefault = preferences.value.systemPrompt === systemPrompt && systemPrompt !== '';
  const change = (value: string) => {
    session.setSystemPrompt(value);
    if (isDefault) setPreferences({ systemPrompt: value });
  };
  return (
    <section aria-label={texts.systemPrompt}>
      <h3>{texts.systemPrompt}</h3>
      <p class="settings-help" id={help}>
        {texts.systemPromptHelp}
      </p>
      <GrowingField
        class="field system-prompt"
        label={texts.systemPrompt}
        describedBy={help}
        placeholder={texts.systemPromptPlaceholder}
        value={systemPrompt}
        heightMax={320}
        onInput={change}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={isDefault}
          disabled={systemPrompt.trim() === ''}
          onChange={(event) =>
            setPreferences({ systemPrompt: event.currentTarget.checked ? systemPrompt : '' })
          }
        />
        {texts.useForNew}
      </label>
    </section>
  );
}

// One setting: its value, a slider where that helps, an explanation and a way back.
function SamplingField({ control }: { control: SamplingControl }) {
  const texts = t.value.settings;
  const { label, help } = t.value.sampling[control.key];
  const [explained, setExplained] = useState(false);
  const helpId = useId();
  const value = preferences.value.sampling[control.key];
  const set = (changed: number | undefined) =>
    setPreferences({ sampling: withControl(preferences.value.sampling, control.key, changed) });
  return (
    <div class="sampling-field" role="group" aria-label={label}>
      <div class="sampling-head">
        <span class="sampling-label">{label}</span>
        <IconButton
          icon="help"
          size={16}
          label={texts.explain(label)}
          expanded={explained}
          controls={helpId}
          onClick={() => setExplained(!explained)}
        />
        <NumberField control={control} value={value} label={texts.value(label)} onChange={set} />
        <IconButton
          icon="reset"
          size={15}
          label={texts.reset(label)}
          disabled={value === undefined}
          onClick={() => set(undefined)}
        />
      </div>
      {control.neutral !== undefined && (
        <Slider
          control={control}
          value={value}
          neutral={control.neutral}
          label={label}
          onChange={set}
        />
      )}
      <p class="settings-help" id={helpId} hidden={!explained}>
        {help}
      </p>
    </div>
  );
}

interface ValueProps {
  control: SamplingControl;
  value: number | undefined;
  label: string;
  onChange: (value: number | undefined) => void;
}

// Takes what is typed when the field is left, so that "0." is not changed underway.
function NumberField({ control, value, label, onChange }: ValueProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const texts = t.value.settings;
  const finish = () => {
    if (typed !== null) onChange(parseControl(control, typed));
    setTyped(null);
  };
  return (
    <input
      class="field number-field numbers"
      inputMode={control.step === 1 ? 'numeric' : 'decimal'}
      aria-label={label}
      placeholder={control.key === 'seed' ? texts.random : texts.unset}
      value={typed ?? (value === undefined ? '' : String(value))}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === 'Enter') finish();
      }}
    />
  );
}

function Slider({ control, value, neutral, label, onChange }: ValueProps & { neutral: number }) {
  const shown = value ?? neutral;
  const filled = ((shown - control.min) / (control.max - control.min)) * 100;
  return (
    <input
      type="range"
      class={value === undefined ? 'slider unset' : 'slider'}
      aria-label={label}
      aria-valuetext={value === undefined ? t.value.settings.unset : String(value)}
      min={control.min}
      max={control.max}
      step={control.step}
      value={shown}
      ref={(element) => element?.style.setProperty('--fill', `${filled}%`)}
      onInput={(event) => onChange(parseControl(control, event.currentTarget.value))}
    />
  );
}
