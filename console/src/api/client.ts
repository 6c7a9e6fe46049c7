// The calls the console makes. Holds no state but the options; every failure is thrown
// as an ApiError.
import { ApiError, errorBody, failureOfResponse, kindOf } from './failure';
import { SseParser } from './sse';

export interface ClientOptions {
  baseUrl?: string;
  apiKey?: () => string | undefined;
  fetch?: typeof globalThis.fetch;
}

export interface ModelCard {
  id: string;
  contextLength?: number;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

// The body of POST /v1/chat/completions; what is left out takes the server's default.
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  max_tokens?: number;
  seed?: number;
  repetition_penalty?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
}

// Which samples of a run are wanted; what is '' or left out is not asked for.
export interface SampleQuery {
  task: string;
  filter?: string;
  outcome?: '' | 'right' | 'wrong';
  search?: string;
  offset?: number;
  limit?: number;
}

export type ChatEvent =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'finish'; reason: string }
  | { type: 'usage'; usage: Usage };

export type Health = 'ready' | 'not_ready' | 'offline';

export class Client {
  private readonly baseUrl: string;
  private readonly apiKey: () => string | undefined;
  private readonly fetch: typeof globalThis.fetch;

  constructor(options: ClientOptions = {}) {
    this.baseUrl = options.baseUrl ?? '';
    this.apiKey = options.apiKey ?? (() => undefined);
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  async models(): Promise<ModelCard[]> {
    const body = await this.json('/v1/models');
    const list = isRecord(body) ? body['data'] : undefined;
    if (!Array.isArray(list)) throw notThisApi('GET /v1/models gave no list');
    return list.flatMap((entry: unknown) => {
      if (!isRecord(entry) || typeof entry['id'] !== 'string') return [];
      const length = entry['context_length'] ?? entry['max_model_len'];
      return [
        { id: entry['id'], ...(typeof length === 'number' ? { contextLength: length } : {}) },
      ];
    });
  }

  facts(model: string): Promise<unknown> {
    return this.json(`/v1/models/${encodeURIComponent(model)}/facts`);
  }

  runs(): Promise<unknown> {
    return this.json('/v1/runs');
  }

  run(id: string): Promise<unknown> {
    return this.json(runPath(id));
  }

  samples(id: string, query: SampleQuery): Promise<unknown> {
    const wanted = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined);
    const parameters = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)]));
    return this.json(`${runPath(id)}/samples?${parameters}`);
  }

  comparison(a: string, b: string): Promise<unknown> {
    return this.json(`${runPath(a)}/comparison?${new URLSearchParams({ with: b })}`);
  }

  // The states of a run while it goes on; ends when it does.
  async *runStates(id: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.request(`${runPath(id)}/events`, {
      headers: { Accept: 'text/event-stream' },
      signal,
    });
    if (!response.body) throw notThisApi('the answer is no event stream');
    for await (const data of eventData(response.body)) {
      if (data === '[DONE]') return;
      try {
        yield JSON.parse(data) as unknown;
      } catch {
        throw notThisApi('an event of the stream is not JSON');
      }
    }
  }

  // Where the report of a run lies, for a browser that needs no key.
  runPageAddress(id: string): string {
    return `${this.baseUrl}${runPath(id)}/page`;
  }

  async runPage(id: string): Promise<Blob> {
    const response = await this.request(`${runPath(id)}/page`, {
      headers: { Accept: 'text/html' },
    });
    return response.blob();
  }

  // Never throws.
  async health(): Promise<Health> {
    try {
      const response = await this.fetch(`${this.baseUrl}/health`, { cache: 'no-store' });
      await response.body?.cancel();
      return response.status === 502 || response.status === 503 ? 'not_ready' : 'ready';
    } catch {
      return 'offline';
    }
  }

  // Streams an answer. Ends when the server says it is complete; a stream that ends
  // before throws a failure of kind `cut`. Aborting `signal` throws an AbortError.
  async *streamChat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const response = await this.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
      signal,
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.body || !type.startsWith('text/event-stream')) {
      throw notThisApi(`the answer is ${type || 'without a type'} and not an event stream`);
    }
    const requestId = response.headers.get('x-request-id') ?? undefined;
    let finished = false;
    try {
      for await (const data of eventData(response.body)) {
        if (data === '[DONE]') return;
        for (const event of chatEvents(data, requestId)) {
          if (event.type === 'finish') finished = true;
          yield event;
        }
      }
    } catch (error) {
      if (error instanceof ApiError || signal.aborted) throw error;
      if (!finished)
        throw cutOff(error instanceof Error ? error.message : String(error), requestId);
    }
    if (!finished) throw cutOff('the connection closed before the answer was complete', requestId);
  }

  private async json(path: string): Promise<unknown> {
    const response = await this.request(path, { headers: { Accept: 'application/json' } });
    try {
      return await response.json();
    } catch {
      throw notThisApi(`GET ${path} gave no JSON`);
    }
  }

  private async request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const key = this.apiKey();
    if (key) headers.set('Authorization', `Bearer ${key}`);
    const response = await this.fetch(this.baseUrl + path, { ...init, headers, cache: 'no-store' });
    if (response.ok) return response;
    const body = await response.json().then(errorBody, () => ({}));
    throw new ApiError(
      failureOfResponse(response.status, response.headers, body, response.statusText),
    );
  }
}

const runPath = (id: string) => `/v1/runs/${encodeURIComponent(id)}`;

async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) yield event.data;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

// What one chunk of the stream says; throws if it is an error frame.
export function chatEvents(data: string, requestId?: string): ChatEvent[] {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw notThisApi('an event of the stream is not JSON');
  }
  if (!isRecord(chunk)) return [];
  if (chunk['error'] !== undefined && chunk['error'] !== null) {
    const body = errorBody(chunk);
    throw new ApiError({
      kind: body.code === 'context_length_exceeded' ? 'context_length' : midStreamKind(body),
      message: body.message ?? 'the server reported an error without a message',
      ...(body.code === undefined ? {} : { code: body.code }),
      ...(requestId === undefined ? {} : { requestId }),
    });
  }
  const events: ChatEvent[] = [];
  const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined;
  if (isRecord(choice)) {
    const delta = isRecord(choice['delta']) ? choice['delta'] : {};
    const thinking = delta['reasoning_content'] ?? delta['reasoning'];
    if (typeof thinking === 'string' && thinking) events.push({ type: 'thinking', text: thinking });
    const text = delta['content'];
    if (typeof text === 'string' && text) events.push({ type: 'text', text });
    const reason = choice['finish_reason'];
    if (typeof reason === 'string') events.push({ type: 'finish', reason });
  }
  if (isRecord(chunk['usage'])) {
    const prompt = chunk['usage']['prompt_tokens'];
    const completion = chunk['usage']['completion_tokens'];
    if (typeof prompt === 'number' && typeof completion === 'number') {
      events.push({ type: 'usage', usage: { promptTokens: prompt, completionTokens: completion } });
    }
  }
  return events;
}

function midStreamKind(body: { message?: string; code?: string; type?: string }) {
  const kind = kindOf(503, body);
  return kind === 'draining' ? kind : 'server';
}

function cutOff(message: string, requestId?: string): ApiError {
  return new ApiError({ kind: 'cut', message, ...(requestId ? { requestId } : {}) });
}

function notThisApi(message: string): ApiError {
  return new ApiError({ kind: 'protocol', message });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
