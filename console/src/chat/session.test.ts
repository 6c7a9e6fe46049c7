import { describe, expect, it } from 'vitest';
import type { ChatEvent, ChatRequest } from '../api/client';
import { ApiError } from '../api/failure';
import { pathOf } from './conversation';
import { History } from './history';
import { Session } from './session';

interface Step {
  event?: ChatEvent;
  error?: unknown;
}

// A server whose answers the test plays by hand.
class FakeServer {
  requests: ChatRequest[] = [];
  private waiting: ((step: Step) => void)[] = [];
  private steps: Step[] = [];
  aborted = 0;

  async *stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    this.requests.push(request);
    signal.addEventListener('abort', () => {
      this.aborted += 1;
      this.play({ error: new DOMException('aborted', 'AbortError') });
    });
    for (;;) {
      const step =
        this.steps.shift() ?? (await new Promise<Step>((resolve) => this.waiting.push(resolve)));
      if (step.error) throw step.error;
      if (!step.event) return;
      yield step.event;
    }
  }

  play(step: Step): void {
    const waiter = this.waiting.shift();
    if (waiter) waiter(step);
    else this.steps.push(step);
  }

  text(text: string): void {
    this.play({ event: { type: 'text', text } });
  }
}

function setUp(entries = new Map<string, string>()) {
  const server = new FakeServer();
  const storage = {
    get length() {
      return entries.size;
    },
    key: (index: number) => [...entries.keys()][index] ?? null,
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
    clear: () => entries.clear(),
  };
  let now = 0;
  const ends: unknown[] = [];
  const session = new Session({
    streamChat: (request, signal) => server.stream(request, signal),
    history: new History(storage),
    settings: () => ({ model: 'm', sampling: { top_k: 3 }, systemPrompt: 'Be brief.' }),
    nowMs: () => (now += 10),
    wallClock: () => (now += 10),
    soon: (callback) => void Promise.resolve().then(callback),
    onEnd: (end) => ends.push(end),
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  const shown = () => pathOf(session.current.value).map(({ content }) => content);
  const last = () => pathOf(session.current.value).at(-1);
  return { server, session, settle, shown, last, ends, entries };
}

describe('a session', () => {
  it('streams an answer and keeps it', async () => {
    const { server, session, settle, shown, last, ends, entries } = setUp();
    session.send('Why?');
    expect(server.requests[0]).toEqual({
      model: 'm',
      top_k: 3,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Why?' },
      ],
    });
    server.text('Be');
    server.text('cause');
    await settle();
    expect(shown()).toEqual(['Why?', 'Because']);
    expect(last()?.answer?.state).toBe('streaming');
    expect(session.liveAnswers.value.get(session.current.value.id)?.stats.tokens).toBe(2);
    server.play({ event: { type: 'finish', reason: 'stop' } });
    server.play({ event: { type: 'usage', usage: { promptTokens: 5, completionTokens: 4 } } });
    server.play({});
    await settle();
    expect(last()?.answer).toMatchObject({
      state: 'complete',
      usage: { promptTokens: 5, completionTokens: 4 },
      stats: { tokens: 4, exact: true },
    });
    expect(session.liveAnswers.value.size).toBe(0);
    expect(ends).toEqual([{ state: 'complete', tokens: 4 }]);
    const again = setUp(entries);
    expect(again.session.conversations.value[0]).toEqual(session.current.value);
  });

  it('stops at once and keeps what has come', async () => {
    const { server, session, settle, shown, last } = setUp();
    session.send('Count');
    server.text('one two');
    await settle();
    session.stop(session.current.value.id);
    expect(last()?.answer?.state).toBe('stopped');
    expect(server.aborted).toBe(1);
    server.text('three');
    await settle();
    expect(shown()).toEqual(['Count', 'one two']);
  });

  it('marks an answer that broke off and keeps its text', async () => {
    const { server, session, settle, shown, last } = setUp();
    session.send('Tell');
    server.text('Once');
    server.play({ error: new ApiError({ kind: 'cut', message: 'closed' }) });
    await settle();
    expect(shown()).toEqual(['Tell', 'Once']);
    expect(last()?.answer).toMatchObject({ state: 'failed', failure: { kind: 'cut' } });
  });

  it('answers again beside the first answer', async () => {
    const { server, session, settle, shown, last } = setUp();
    session.send('Why?');
    server.text('A');
    server.play({});
    await settle();
    const first = last();
    if (!first) throw new Error('no answer');
    session.regenerate(first);
    server.text('B');
    server.play({});
    await settle();
    expect(shown()).toEqual(['Why?', 'B']);
    expect(server.requests[1]).toEqual(server.requests[0]);
    session.chooseVersion(first);
    expect(shown()).toEqual(['Why?', 'A']);
  });

  it('sends an edited question without what followed the old one', async () => {
    const { server, session, settle, shown } = setUp();
    for (const [question, answer] of [
      ['1?', 'one'],
      ['2?', 'two'],
    ] as const) {
      session.send(question);
      server.text(answer);
      server.play({});
      await settle();
    }
    const second = pathOf(session.current.value)[2];
    if (!second) throw new Error('no question');
    session.resend(second, '3?');
    server.text('three');
    server.play({});
    await settle();
    expect(shown()).toEqual(['1?', 'one', '3?', 'three']);
    expect(server.requests[2]?.messages.map(({ content }) => content)).toEqual([
      'Be brief.',
      '1?',
      'one',
      '3?',
    ]);
  });

  it('takes one question at a time in a conversation, and others meanwhile', async () => {
    const { server, session, settle } = setUp();
    session.send('first');
    session.send('second');
    expect(server.requests).toHaveLength(1);
    const busy = session.current.value.id;
    session.startNew();
    session.send('other');
    expect(server.requests).toHaveLength(2);
    expect(session.liveAnswers.value.size).toBe(2);
    expect(session.open(busy)).toBe(true);
    await settle();
    expect(session.conversations.value).toHaveLength(2);
  });

  it('removes a conversation with its answer under way, and restores it', async () => {
    const { server, session, settle, entries } = setUp();
    session.send('x');
    server.text('y');
    await settle();
    const removed = session.remove(session.current.value.id);
    expect(server.aborted).toBe(1);
    expect(session.conversations.value).toEqual([]);
    expect(entries.size).toBe(0);
    expect(session.current.value.messages).toEqual([]);
    if (!removed) throw new Error('nothing removed');
    session.restore(removed);
    expect(session.open(removed.id)).toBe(true);
    expect(pathOf(session.current.value).map(({ content }) => content)).toEqual(['x', 'y']);
  });

  it('renames, and keeps the title from then on', async () => {
    const { session } = setUp();
    session.send('x');
    const { id } = session.current.value;
    session.rename(id, '  Mine ');
    session.rename(id, ' ');
    expect(session.current.value.title).toBe('Mine');
  });

  it('follows changes of another tab', () => {
    const { session, entries } = setUp();
    session.send('x');
    session.stop(session.current.value.id);
    const other = setUp(entries);
    const { id } = session.current.value;
    other.session.rename(id, 'Theirs');
    session.reload(id);
    expect(session.current.value.title).toBe('Theirs');
    other.session.remove(id);
    session.reload(id);
    expect(session.conversations.value).toEqual([]);
  });
});
