// What can go wrong between the console and a server, sorted by what the user can do.

export const FAILURE_KINDS = [
  'offline', // no answer at all
  'unauthorized', // an API key is wanted, or this one is wrong
  'forbidden',
  'queue_full', // too many requests: wait and try again
  'quota', // waiting does not help
  'context_length', // the conversation does not fit
  'too_large', // the request's body
  'invalid_request', // a parameter
  'not_found',
  'timeout',
  'draining', // the server is going down on purpose
  'loading', // the model is not in memory yet
  'unavailable',
  'server', // a fault of the server
  'cut', // the stream ended before the answer did
  'protocol', // what came back is not this API
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];

export interface Failure {
  kind: FailureKind;
  message: string; // the server's own words, or the browser's
  status?: number;
  code?: string;
  param?: string;
  retryAfterSeconds?: number;
  requestId?: string;
}

export class ApiError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = 'ApiError';
  }
}

// Any thrown value as a failure; whatever is not an ApiError came from fetch.
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return error.failure;
  return { kind: 'offline', message: error instanceof Error ? error.message : String(error) };
}

interface ErrorBody {
  message?: string;
  type?: string;
  code?: string;
  param?: string;
}

// Reads `{"error": {message, type, code, param}}`; anything else gives an empty body.
export function errorBody(json: unknown): ErrorBody {
  if (typeof json !== 'object' || json === null) return {};
  const error = (json as { error?: unknown }).error;
  if (typeof error === 'string') return { message: error };
  if (typeof error !== 'object' || error === null) return {};
  const body: ErrorBody = {};
  for (const key of ['message', 'type', 'code', 'param'] as const) {
    const value = (error as Record<string, unknown>)[key];
    if (typeof value === 'string') body[key] = value;
    else if (typeof value === 'number') body[key] = String(value);
  }
  return body;
}

export function failureOfResponse(
  status: number,
  headers: Headers,
  body: ErrorBody,
  statusText = '',
): Failure {
  const failure: Failure = {
    kind: kindOf(status, body),
    message: body.message ?? `HTTP ${status} ${statusText}`.trim(),
    status,
  };
  if (body.code !== undefined) failure.code = body.code;
  if (body.param !== undefined) failure.param = body.param;
  const requestId = headers.get('x-request-id');
  if (requestId) failure.requestId = requestId;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(retryAfter) && retryAfter >= 0) {
    failure.retryAfterSeconds = Math.min(retryAfter, 3600);
  }
  return failure;
}

export function kindOf(status: number, body: ErrorBody): FailureKind {
  const text = `${body.code ?? ''} ${body.type ?? ''} ${body.message ?? ''}`.toLowerCase();
  if (body.code === 'context_length_exceeded') return 'context_length';
  switch (status) {
    case 400:
    case 422:
      return /context (length|window|size)|context_length/.test(text)
        ? 'context_length'
        : 'invalid_request';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 408:
    case 504:
      return 'timeout';
    case 413:
      return 'too_large';
    case 429:
      return text.includes('insufficient_quota') ? 'quota' : 'queue_full';
    case 502:
    case 503:
      if (/drain|shut(ting)? ?down|stopping/.test(text)) return 'draining';
      return /load|starting/.test(text.replaceAll('overload', '')) ? 'loading' : 'unavailable';
    default:
      return status >= 500 ? 'server' : 'protocol';
  }
}

// Would the same request have a chance if it were sent again?
export function canRetry(kind: FailureKind): boolean {
  return !['forbidden', 'quota', 'context_length', 'too_large', 'invalid_request'].includes(kind);
}
