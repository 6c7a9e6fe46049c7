// A stand-in for `lathe serve` with faults on demand: for work on the console without a
// model, and for tests of what a healthy server never does. It serves a built console
// under the headers of the real server.
//
// A message that begins with one of these plays it:
//   !busy !context !draining !loading !error !refused !key !html   instead of an answer
//   !cut !frame !stall                                             in the middle of one
//   !slow !wait !length !empty !think !xss                         answers
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FACTS, pieces, replyTo } from './replies';

export interface MockServerOptions {
  dist?: string; // folder of the built console
  tokenMs?: number; // between two tokens
  firstTokenMs?: number;
  keyWanted?: boolean; // by everything but the page and the health check
}

export interface SeenRequest {
  body: Record<string, unknown>;
  aborted: boolean;
  sent: number; // tokens
}

export const MOCK_KEY = 'let-me-in';

const MODEL = 'smollm2-135m';
const BODY_BYTES_MAX = 4 << 20;
const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export class MockServer {
  readonly requests: SeenRequest[] = [];
  healthStatus = 200;
  private running = 0;
  private readonly server: Server;
  private readonly policy = contentSecurityPolicy();

  constructor(private readonly options: MockServerOptions = {}) {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  // Gives the address to visit.
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://mock').pathname;
    if (path === '/health' || path === '/readyz') {
      const ready = this.healthStatus === 200;
      return json(response, this.healthStatus, { status: ready ? 'ready' : 'draining' });
    }
    if (this.options.keyWanted && path.startsWith('/v1/') && !hasKey(request)) {
      return fail(response, 401, 'invalid_api_key', 'an API key is wanted');
    }
    if (request.method === 'POST' && path === '/v1/chat/completions') {
      return this.chat(request, response);
    }
    if (path === '/v1/models') {
      return json(response, 200, {
        object: 'list',
        data: [{ id: MODEL, object: 'model', max_model_len: 8192 }],
      });
    }
    if (path === `/v1/models/${MODEL}/facts`) return json(response, 200, FACTS);
    if (path === '/v1/runs') {
      return json(response, 200, { object: 'list', folder: '~/.cache/lathe/runs', data: [] });
    }
    if (path === '/metrics') {
      response.end(`vllm:num_requests_running ${this.running}\n`);
      return;
    }
    this.file(path, response);
  }

  private file(path: string, response: ServerResponse): void {
    const name = path === '/' ? '/index.html' : normalize(path);
    try {
      if (!this.options.dist) throw new Error('no console');
      const bytes = readFileSync(join(this.options.dist, name));
      response.writeHead(200, {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'content-security-policy': this.policy,
        'x-content-type-options': 'nosniff',
        'cache-control': name.startsWith('/assets/')
          ? 'public, max-age=31536000, immutable'
          : 'no-cache',
      });
      response.end(bytes);
    } catch {
      fail(response, 404, 'not_found', `there is nothing at ${path}`);
    }
  }

  private async chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readJson(request)) as Record<string, unknown> | undefined;
    const messages = body?.['messages'];
    if (!body || !Array.isArray(messages)) {
      return fail(response, 400, 'invalid_request_error', 'messages: a list is wanted');
    }
    const seen: SeenRequest = { body, aborted: false, sent: 0 };
    this.requests.push(seen);
    response.on('close', () => {
      seen.aborted = !response.writableFinished;
    });
    const last = String((messages.at(-1) as { content?: unknown } | undefined)?.content ?? '');
    const name = last.trim().split(/\s/, 1)[0] ?? '';
    if (refuse(name, request, response)) return;
    this.running += 1;
    await this.stream(response, name, last, messages, seen);
    this.running -= 1;
  }

  private async stream(
    response: ServerResponse,
    name: string,
    message: string,
    messages: unknown[],
    seen: SeenRequest,
  ): Promise<void> {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-request-id': 'req-mock-stream',
    });
    const id = 'chatcmpl-mock';
    const send = (chunk: object) => response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    const choice = (delta: object, finish: string | null = null) =>
      send({
        id,
        object: 'chat.completion.chunk',
        model: MODEL,
        choices: [{ index: 0, delta, finish_reason: finish }],
      });
    const tokenMs = name === '!slow' ? 120 : (this.options.tokenMs ?? 30);
    const limit = Number(seen.body['max_tokens'] ?? (name === '!length' ? 12 : Infinity));
    response.write(': keep-alive\n\n');
    await pause(name === '!wait' ? 2500 : (this.options.firstTokenMs ?? 120));
    choice({ role: 'assistant', content: '' });
    const all = pieces(replyTo(message));
    for (const piece of all.slice(0, limit)) {
      if (response.destroyed) return;
      choice({ content: piece });
      seen.sent += 1;
      if (seen.sent === 6 && (await breakOff(name, response))) return;
      await pause(tokenMs);
    }
    choice({}, seen.sent < all.length ? 'length' : 'stop');
    const words = JSON.stringify(messages).length >> 2;
    send({
      id,
      model: MODEL,
      choices: [],
      usage: {
        prompt_tokens: words,
        completion_tokens: seen.sent,
        total_tokens: words + seen.sent,
      },
    });
    response.end('data: [DONE]\n\n');
  }
}

// Refusals in place of a stream. True if one was sent.
function refuse(name: string, request: IncomingMessage, response: ServerResponse): boolean {
  switch (name) {
    case '!busy':
      response.setHeader('retry-after', '2');
      fail(response, 429, 'rate_limit_exceeded', 'the queue of 1024 requests is full');
      return true;
    case '!context':
      fail(
        response,
        400,
        'context_length_exceeded',
        'the prompt has 9,000 tokens and the context 8,192',
      );
      return true;
    case '!draining':
      fail(response, 503, 'unavailable', 'the server is shutting down and takes no new requests');
      return true;
    case '!loading':
      fail(response, 503, 'unavailable', 'the model is loading');
      return true;
    case '!error':
      fail(response, 500, 'server_error', 'a page of the cache was lost');
      return true;
    case '!refused':
      fail(response, 400, 'invalid_request_error', 'top_k: 0 or more is wanted', 'top_k');
      return true;
    case '!html':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<h1>A proxy</h1>');
      return true;
    case '!key':
      if (hasKey(request)) return false;
      fail(response, 401, 'invalid_api_key', 'an API key is wanted');
      return true;
    default:
      return false;
  }
}

// Faults in the middle of a stream. True if it is over.
async function breakOff(name: string, response: ServerResponse): Promise<boolean> {
  if (name === '!cut') {
    response.destroy();
    return true;
  }
  if (name === '!frame') {
    const error = {
      message: 'the engine ran out of pages',
      type: 'server_error',
      code: 'server_error',
    };
    response.end(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`);
    return true;
  }
  if (name === '!stall') {
    await new Promise((resolve) => response.on('close', resolve));
    return true;
  }
  return false;
}

function hasKey(request: IncomingMessage): boolean {
  return request.headers.authorization === `Bearer ${MOCK_KEY}`;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-mock' });
  response.end(JSON.stringify(body));
}

function fail(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  param: string | null = null,
): void {
  json(response, status, { error: { message, type: code, param, code } });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// The real server's, from the one place where it stands.
function contentSecurityPolicy(): string {
  const header = fileURLToPath(
    new URL('../../../src/edge/console/console_assets.h', import.meta.url),
  );
  const source = readFileSync(header, 'utf8');
  const [, literals = ''] = /kContentSecurityPolicy =\s*([^;]*(?:"[^"]*"\s*)+);/.exec(source) ?? [];
  const policy = [...literals.matchAll(/"([^"]*)"/g)].map(([, part]) => part).join('');
  if (!policy.startsWith("default-src 'none'")) throw new Error(`no policy found in ${header}`);
  return policy;
}
