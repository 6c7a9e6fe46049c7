import { describe, expect, it } from 'vitest';
import { contextSteps, memoryNeed, readFacts } from './facts';

describe('the facts of a model', () => {
  it('are read from the server’s JSON', () => {
    const facts = readFacts({
      name: 'SmolLM2 135M Instruct',
      parameters: 134515008,
      types: [
        { type: 'F32', tensors: 61, elements: 35136, bytes: 140544, share: 0.001 },
        { type: 'Q8_0', tensors: 211, elements: 134479872, bytes: 142884864, share: 0.999 },
      ],
      sliding_window: null,
      tied_head: true,
      rope: { base: 100000, scaling: 'none' },
      tokenizer: {
        description: 'byte-level BPE',
        vocab_size: 49152,
        bos: { id: 1, text: '<|im_start|>' },
        eos: { id: 2, text: '' },
        end_of_generation: [{ id: 2, text: '<|im_end|>' }, 0],
      },
      chat_template: true,
      memory: { weight_bytes: 100, kv_bytes_per_token_f16: 4, kv_bytes_per_token_f32: 8 },
    });
    expect(facts).toMatchObject({
      name: 'SmolLM2 135M Instruct',
      parameters: 134515008,
      tiedHead: true,
      ropeBase: 100000,
      vocabSize: 49152,
      eos: '2',
      endOfGeneration: '<|im_end|>  0',
      hasChatTemplate: true,
    });
    expect(facts.types.map(({ type }) => type)).toEqual(['Q8_0', 'F32']);
    expect(facts.types.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(facts).not.toHaveProperty('slidingWindow');
    expect(facts).not.toHaveProperty('ropeScaling');
  });

  it('tell how rotary positions are stretched', () => {
    const scaling = (rope: unknown) => readFacts({ rope }).ropeScaling;
    expect(scaling({ base: 1, scaling: 'llama3', factor: 32 })).toBe('llama3 × 32');
    expect(scaling({ base: 1, scaling: 'yarn' })).toBe('yarn');
    expect(scaling({ base: 1, scaling: 'none', factor: 1 })).toBeUndefined();
  });

  it('survive anything', () => {
    for (const foreign of [
      null,
      3,
      [],
      'x',
      { types: 3, rope: [], tokenizer: null, memory: 'x', layers: -1, width: 'wide', types2: 1 },
      { types: [null, {}, { type: 'X', bytes: 0 }] },
    ]) {
      const facts = readFacts(foreign);
      expect(facts.layers).toBeUndefined();
      for (const row of facts.types) expect(row.share).toBe(0);
    }
  });

  it('give the memory of conversations', () => {
    const facts = readFacts({
      memory: { weight_bytes: 1000, kv_bytes_per_token_f16: 10, kv_bytes_per_token_f32: 20 },
    });
    expect(memoryNeed(facts, 3, 100, 'f16')).toEqual({ weightBytes: 1000, kvBytes: 3000 });
    expect(memoryNeed(facts, 3, 100, 'f32').kvBytes).toBe(6000);
    expect(memoryNeed(readFacts({}), 3, 100, 'f16')).toEqual({ weightBytes: 0, kvBytes: 0 });
  });

  it('give lengths to choose from, the model’s own last', () => {
    expect(contextSteps(2048)).toEqual([256, 512, 1024, 2048]);
    expect(contextSteps(1000)).toEqual([256, 512, 1000]);
    expect(contextSteps(100)).toEqual([100]);
  });
});
