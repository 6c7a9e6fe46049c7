import { useId, useState } from 'preact/hooks';
import { t } from '../i18n';
import { formatBytes, formatWhole } from '../ui/format';
import { contextSteps, memoryNeed, type Facts } from './facts';

const CONVERSATIONS_MAX = 64;

type KvType = 'f16' | 'f32';

// What a number of conversations of a length needs, besides the weights.
export function MemoryCalculator({ facts }: { facts: Facts }) {
  const texts = t.value.model;
  const steps = contextSteps(facts.contextLength ?? 4096);
  const [step, setStep] = useState(
    Math.max(
      0,
      steps.findLastIndex((length) => length <= 4096),
    ),
  );
  const [conversations, setConversations] = useState(4);
  const [type, setType] = useState<KvType>('f16');
  const tokens = steps[Math.min(step, steps.length - 1)] ?? 0;
  const need = memoryNeed(facts, conversations, tokens, type);
  const perToken = type === 'f16' ? facts.kvBytesPerTokenF16 : facts.kvBytesPerTokenF32;
  return (
    <div class="memory">
      <p class="model-note">{texts.memoryHelp}</p>
      <div class="memory-controls">
        <Choice
          label={texts.memoryContext}
          shown={formatWhole(tokens)}
          value={step}
          max={steps.length - 1}
          min={0}
          onChange={setStep}
        />
        <Choice
          label={texts.memoryUsers}
          shown={formatWhole(conversations)}
          value={conversations}
          min={1}
          max={CONVERSATIONS_MAX}
          onChange={setConversations}
        />
        <TypeChoice type={type} onChange={setType} />
      </div>
      <MemoryBar weightBytes={need.weightBytes} kvBytes={need.kvBytes} />
      <dl class="memory-sums numbers">
        <div>
          <dt>
            <span class="swatch memory-weights" aria-hidden="true" />
            {texts.memoryWeights}
          </dt>
          <dd>{formatBytes(need.weightBytes)}</dd>
        </div>
        <div>
          <dt>
            <span class="swatch memory-kv" aria-hidden="true" />
            {texts.memoryKv}
          </dt>
          <dd>
            <output>{formatBytes(need.kvBytes)}</output>
          </dd>
          <dd class="memory-each">{texts.memoryPerToken(formatBytes(perToken ?? 0))}</dd>
        </div>
        <div>
          <dt>{texts.memoryTotal}</dt>
          <dd>
            <output class="memory-total">{formatBytes(need.weightBytes + need.kvBytes)}</output>
          </dd>
        </div>
      </dl>
      {facts.slidingWindow ? <p class="model-note">{texts.memoryWindow}</p> : null}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  shown: string;
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
}

function Choice({ label, shown, value, min, max, onChange }: ChoiceProps) {
  const id = useId();
  const filled = max > min ? ((value - min) / (max - min)) * 100 : 100;
  return (
    <div>
      <div class="memory-label">
        <label for={id}>{label}</label>
        <b class="numbers">{shown}</b>
      </div>
      <input
        id={id}
        type="range"
        class="slider"
        min={min}
        max={max}
        step={1}
        value={value}
        aria-valuetext={shown}
        ref={(element) => element?.style.setProperty('--fill', `${filled}%`)}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
    </div>
  );
}

function TypeChoice({ type, onChange }: { type: KvType; onChange: (type: KvType) => void }) {
  const name = useId();
  return (
    <fieldset class="memory-type">
      <legend>{t.value.model.memoryType}</legend>
      <span class="segments">
        {(['f16', 'f32'] as const).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name={name}
              checked={choice === type}
              onChange={() => onChange(choice)}
            />
            {choice.toUpperCase()}
          </label>
        ))}
      </span>
    </fieldset>
  );
}

function MemoryBar({ weightBytes, kvBytes }: { weightBytes: number; kvBytes: number }) {
  const total = weightBytes + kvBytes || 1;
  const label = t.value.model.memoryBar(formatBytes(weightBytes), formatBytes(kvBytes));
  const weights = (weightBytes / total) * 100;
  return (
    <svg
      class="type-bar"
      viewBox="0 0 100 1"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <rect class="memory-weights" x="0" y="0" width={weights} height="1" />
      <rect class="memory-kv" x={weights} y="0" width={100 - weights} height="1" />
    </svg>
  );
}
