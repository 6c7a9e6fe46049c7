// GET /v1/models/{id}/facts, checked. Whatever is missing or of another type is left
// out, and the page shows what there is.

import { amount, fields, text, type Fields } from '../api/json';

export interface TypeShare {
  type: string;
  tensors: number;
  elements: number;
  bytes: number;
  share: number; // of the bytes, 0 to 1
}

export interface Facts {
  path?: string;
  format?: string;
  architecture?: string;
  name?: string;
  license?: string;
  parameters?: number;
  fileBytes?: number;
  tensorCount?: number;
  types: TypeShare[];
  contextLength?: number;
  layers?: number;
  width?: number;
  feedForwardWidth?: number;
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  vocabSize?: number;
  slidingWindow?: number;
  slidingLayers?: number; // those with the window
  tiedHead?: boolean;
  ropeBase?: number;
  ropeScaling?: string;
  tokenizer?: string;
  bos?: string;
  eos?: string;
  endOfGeneration?: string;
  hasChatTemplate?: boolean;
  weightBytes?: number;
  kvBytesPerTokenF16?: number;
  kvBytesPerTokenF32?: number;
  problem?: string; // why the server could not run it
}

export function readFacts(json: unknown): Facts {
  const top = fields(json);
  const rope = fields(top['rope']);
  const tokenizer = fields(top['tokenizer']);
  const memory = fields(top['memory']);
  const facts: Facts = { types: readTypes(top['types']) };
  const set = <K extends keyof Facts>(key: K, value: Facts[K] | undefined) => {
    if (value !== undefined) facts[key] = value;
  };
  set('path', text(top['path']));
  set('format', text(top['format']));
  set('architecture', text(top['architecture']));
  set('name', text(top['name']));
  set('license', text(top['license']));
  set('parameters', amount(top['parameters']));
  set('fileBytes', amount(top['file_bytes']));
  set('tensorCount', amount(top['tensor_count']));
  set('contextLength', amount(top['context_length']));
  set('layers', amount(top['layers']));
  set('width', amount(top['width']));
  set('feedForwardWidth', amount(top['feed_forward_width']));
  set('heads', amount(top['heads']));
  set('kvHeads', amount(top['kv_heads']));
  set('headDim', amount(top['head_dim']));
  set('vocabSize', amount(top['vocab_size']) ?? amount(tokenizer['vocab_size']));
  set('slidingWindow', amount(top['sliding_window']));
  set('slidingLayers', amount(top['sliding_layers']));
  if (typeof top['tied_head'] === 'boolean') facts.tiedHead = top['tied_head'];
  set('ropeBase', amount(rope['base']));
  set('ropeScaling', scaling(rope));
  set('tokenizer', text(tokenizer['description']));
  set('bos', token(tokenizer['bos']));
  set('eos', token(tokenizer['eos']));
  set('endOfGeneration', token(tokenizer['end_of_generation']));
  if (typeof top['chat_template'] === 'boolean') facts.hasChatTemplate = top['chat_template'];
  set('weightBytes', amount(memory['weight_bytes']));
  set('kvBytesPerTokenF16', amount(memory['kv_bytes_per_token_f16']));
  set('kvBytesPerTokenF32', amount(memory['kv_bytes_per_token_f32']));
  set('problem', text(top['problem']));
  return facts;
}

function readTypes(value: unknown): TypeShare[] {
  if (!Array.isArray(value)) return [];
  const types = value.flatMap((entry: unknown) => {
    const row = fields(entry);
    const type = text(row['type']);
    const bytes = amount(row['bytes']);
    if (type === undefined || bytes === undefined) return [];
    const [tensors, elements] = [amount(row['tensors']) ?? 0, amount(row['elements']) ?? 0];
    return [{ type, tensors, elements, bytes, share: 0 }];
  });
  // Shares of what is shown, so that the bar is always whole.
  const total = types.reduce((sum, { bytes }) => sum + bytes, 0);
  return types
    .map((row) => ({ ...row, share: total > 0 ? row.bytes / total : 0 }))
    .sort((a, b) => b.bytes - a.bytes);
}

// The memory of a model in use: its weights, and keys and values of all conversations.
export interface MemoryNeed {
  weightBytes: number;
  kvBytes: number;
}

export function memoryNeed(
  facts: Facts,
  conversations: number,
  tokens: number,
  type: 'f16' | 'f32',
): MemoryNeed {
  const perToken = (type === 'f16' ? facts.kvBytesPerTokenF16 : facts.kvBytesPerTokenF32) ?? 0;
  return { weightBytes: facts.weightBytes ?? 0, kvBytes: perToken * tokens * conversations };
}

// Lengths to choose from: powers of two up to the model's own, which is the last.
export function contextSteps(contextLength: number): number[] {
  const steps: number[] = [];
  for (let length = 256; length < contextLength; length *= 2) steps.push(length);
  return [...steps, contextLength];
}

// A token is `{id, text}`, or plainly its text or number; several stand side by side.
function token(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) {
    const parts = value.map(token).filter((part) => part !== undefined);
    return parts.length > 0 ? parts.join('  ') : undefined;
  }
  const { id, text: name } = fields(value);
  return text(name) ?? (typeof id === 'number' ? String(id) : undefined);
}

// The way rotary positions are stretched, with its factor; undefined if they are not.
function scaling(rope: Fields): string | undefined {
  const name = text(rope['scaling']);
  if (name === undefined || name === 'none') return undefined;
  const factor = amount(rope['factor']);
  return factor === undefined ? name : `${name} × ${factor}`;
}
