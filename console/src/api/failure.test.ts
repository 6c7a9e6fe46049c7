import { describe, expect, it } from 'vitest';
import { ApiError, errorBody, failureOf, failureOfResponse, kindOf } from './failure';

describe('failures', () => {
  it('carry the server’s words, the request id and the time to wait', () => {
    const headers = new Headers({ 'x-request-id': 'req-7', 'retry-after': '3' });
    const body = errorBody({ error: { message: 'the queue is full', code: null, type: 'x' } });
    expect(failureOfResponse(429, headers, body)).toEqual({
      kind: 'queue_full',
      message: 'the queue is full',
      status: 429,
      requestId: 'req-7',
      retryAfterSeconds: 3,
    });
  });

  it('tell a prompt that is too long from another bad parameter', () => {
    expect(kindOf(400, { code: 'context_length_exceeded' })).toBe('context_length');
    expect(kindOf(400, { message: 'longer than the context length of 8192' })).toBe(
      'context_length',
    );
    expect(kindOf(400, { message: 'temperature must be at least 0' })).toBe('invalid_request');
  });

  it('tell a server that drains from one that loads', () => {
    expect(kindOf(503, { message: 'the server is draining' })).toBe('draining');
    expect(kindOf(503, { message: 'shutting down' })).toBe('draining');
    expect(kindOf(503, { message: 'loading model' })).toBe('loading');
    expect(kindOf(503, { message: 'overloaded' })).toBe('unavailable');
    expect(kindOf(503, {})).toBe('unavailable');
  });

  it('tell a full queue from a spent quota', () => {
    expect(kindOf(429, { code: 'rate_limit_exceeded' })).toBe('queue_full');
    expect(kindOf(429, { type: 'insufficient_quota' })).toBe('quota');
  });

  it('survive bodies that are not the API’s', () => {
    for (const body of [
      null,
      3,
      'x',
      [],
      {},
      { error: null },
      { error: [] },
      { error: { message: {} } },
    ]) {
      expect(errorBody(body).message).toBeUndefined();
    }
    expect(errorBody({ error: 'words' })).toEqual({ message: 'words' });
    expect(failureOfResponse(500, new Headers(), {}, 'Oops').message).toBe('HTTP 500 Oops');
    expect(
      failureOfResponse(429, new Headers({ 'retry-after': 'soon' }), {}).retryAfterSeconds,
    ).toBeUndefined();
  });

  it('come from anything thrown', () => {
    expect(failureOf(new TypeError('Failed to fetch')).kind).toBe('offline');
    expect(failureOf(new ApiError({ kind: 'cut', message: 'x' })).kind).toBe('cut');
    expect(failureOf('text').message).toBe('text');
  });
});
