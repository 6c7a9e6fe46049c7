import { describe, expect, it } from 'vitest';
import { ApiError } from './failure';
import { Client, chatEvents, type ChatEvent } from './client';

// A response whose body comes in the given pieces, then ends or breaks.
function streamOf(pieces: string[], after: 'end' | 'break' = 'end'): Response {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = bytes.shift();
      if (next) controller.enqueue(next);
      else if (after === 'end') controller.close();
      else controller.error(new TypeError('network error'));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

function clientThatGets(response: Response, seen: RequestInit[] = []): Client {
  return new Client({
    fetch: async (_url, init) => {
      seen.push(init ?? {});
      return response;
    },
    apiKey: () => 'secret',
  });
}

async function collect(client: Client): Promise<ChatEvent[]> {
  const request = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }], top_k: 5 };
  const events: ChatEvent[] = [];
  for await (const event of client.streamChat(request, new AbortController().signal)) {
    events.push(event);
  }
  return events;
}

async function failureOfCollect(client: Client) {
  const error: unknown = await collect(client).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`no ApiError but ${String(error)}`);
  return error.failure;
}

const delta = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
const finish = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';
const usage = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n';

describe('the client', () => {
  it('streams text, the reason of the end and the usage', async () => {
    const seen: RequestInit[] = [];
    const client = clientThatGets(
      streamOf([
        delta('He'),
        delta('llo').slice(0, 9),
        delta('llo').slice(9) + finish,
        usage,
        'data: [DONE]\n\n',
      ]),
      seen,
    );
    expect(await collect(client)).toEqual([
      { type: 'text', text: 'He' },
      { type: 'text', text: 'llo' },
      { type: 'finish', reason: 'stop' },
      { type: 'usage', usage: { promptTokens: 3, completionTokens: 2 } },
    ]);
    expect(JSON.parse(String(seen[0]?.body))).toMatchObject({
      model: 'm',
      top_k: 5,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(new Headers(seen[0]?.headers).get('authorization')).toBe('Bearer secret');
  });

  it('calls a stream that ends early cut', async () => {
    expect((await failureOfCollect(clientThatGets(streamOf([delta('He')])))).kind).toBe('cut');
    expect((await failureOfCollect(clientThatGets(streamOf([delta('He')], 'break')))).kind).toBe(
      'cut',
    );
  });

  it('accepts a stream that has finished and lost only its last line', async () => {
    expect(await collect(clientThatGets(streamOf([delta('Hi'), finish])))).toHaveLength(2);
    expect(await collect(clientThatGets(streamOf([delta('Hi'), finish], 'break')))).toHaveLength(2);
  });

  it('throws the error frame of a stream', async () => {
    const frame =
      'data: {"error":{"message":"out of memory","code":"server_error"}}\n\ndata: [DONE]\n\n';
    expect(await failureOfCollect(clientThatGets(streamOf([delta('He'), frame])))).toMatchObject({
      kind: 'server',
      message: 'out of memory',
      code: 'server_error',
    });
  });

  it('refuses a page where a stream should be', async () => {
    const page = new Response('<html>', { headers: { 'content-type': 'text/html' } });
    expect((await failureOfCollect(clientThatGets(page))).kind).toBe('protocol');
    expect((await failureOfCollect(clientThatGets(streamOf(['data: {oops\n\n'])))).kind).toBe(
      'protocol',
    );
  });

  it('reads the error body of a refusal', async () => {
    const refusal = new Response('{"error":{"message":"no","param":"top_k"}}', { status: 400 });
    expect(await failureOfCollect(clientThatGets(refusal))).toMatchObject({
      kind: 'invalid_request',
      message: 'no',
      param: 'top_k',
      status: 400,
    });
  });

  it('lists models and ignores what is not one', async () => {
    const body = JSON.stringify({
      data: [{ id: 'a', max_model_len: 8192 }, { id: 3 }, null, { id: 'b' }],
    });
    expect(await clientThatGets(new Response(body)).models()).toEqual([
      { id: 'a', contextLength: 8192 },
      { id: 'b' },
    ]);
    await expect(clientThatGets(new Response('[]')).models()).rejects.toThrow(/no list/);
    await expect(clientThatGets(new Response('no')).models()).rejects.toThrow(/no JSON/);
  });

  it('tells whether the server is up', async () => {
    expect(await clientThatGets(new Response('ok')).health()).toBe('ready');
    expect(await clientThatGets(new Response('', { status: 503 })).health()).toBe('not_ready');
    const offline = new Client({ fetch: () => Promise.reject(new TypeError('refused')) });
    expect(await offline.health()).toBe('offline');
  });
});

describe('a chunk', () => {
  it('may be anything without harm', () => {
    const chunks = [
      'null',
      '3',
      '[]',
      '{}',
      '{"choices":{}}',
      '{"choices":[null]}',
      '{"choices":[{"delta":3}]}',
      '{"usage":{"prompt_tokens":"x"}}',
      '{"error":null}',
    ];
    for (const chunk of chunks) expect(chatEvents(chunk)).toEqual([]);
  });

  it('may hold the model’s thinking', () => {
    expect(chatEvents('{"choices":[{"delta":{"reasoning_content":"hm"}}]}')).toEqual([
      { type: 'thinking', text: 'hm' },
    ]);
  });
});
