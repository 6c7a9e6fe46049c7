// The sampling controls as data: names as the API has them, ranges and neutral values.
// A value that is not set is not sent, so that the model's own default applies.

export type SamplingKey =
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'max_tokens'
  | 'seed'
  | 'repetition_penalty'
  | 'frequency_penalty'
  | 'presence_penalty';

export type Sampling = Partial<Record<SamplingKey, number>>;

export interface SamplingControl {
  key: SamplingKey;
  min: number;
  max: number;
  step: number;
  // Where a slider rests while nothing is set; no slider without it.
  neutral?: number;
}

export const SAMPLING_CONTROLS: readonly SamplingControl[] = [
  { key: 'temperature', min: 0, max: 2, step: 0.05, neutral: 1 },
  { key: 'top_p', min: 0.01, max: 1, step: 0.01, neutral: 1 },
  { key: 'top_k', min: 0, max: 200, step: 1, neutral: 0 },
  { key: 'min_p', min: 0, max: 1, step: 0.01, neutral: 0 },
  { key: 'max_tokens', min: 1, max: 1048576, step: 1 },
  { key: 'seed', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
  { key: 'repetition_penalty', min: 0.5, max: 2, step: 0.01, neutral: 1 },
  { key: 'frequency_penalty', min: -2, max: 2, step: 0.05, neutral: 0 },
  { key: 'presence_penalty', min: -2, max: 2, step: 0.05, neutral: 0 },
];

// The nearest value the control can hold, or undefined if `text` is no number.
export function parseControl(control: SamplingControl, text: string): number | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? fitControl(control, value) : undefined;
}

function fitControl(control: SamplingControl, value: number): number {
  const bounded = Math.min(control.max, Math.max(control.min, value));
  if (control.step === 1) return Math.round(bounded);
  return Number(bounded.toFixed(4));
}

// What is stored or foreign as settings: unknown names and impossible values fall away.
export function readSampling(value: unknown): Sampling {
  const sampling: Sampling = {};
  if (typeof value !== 'object' || value === null) return sampling;
  for (const control of SAMPLING_CONTROLS) {
    const number = (value as Record<string, unknown>)[control.key];
    if (typeof number === 'number' && Number.isFinite(number)) {
      sampling[control.key] = fitControl(control, number);
    }
  }
  return sampling;
}

export function withControl(sampling: Sampling, key: SamplingKey, value?: number): Sampling {
  const changed = { ...sampling };
  if (value === undefined) delete changed[key];
  else changed[key] = value;
  return changed;
}
