import { describe, expect, it } from 'vitest';
import { addMessage, newConversation, pathOf, type Conversation } from './conversation';
import { History, exportJson, readConversation } from './history';

class FakeStorage implements Storage {
  [name: string]: unknown;
  readonly entries = new Map<string, string>();
  constructor(private readonly limit = Infinity) {}
  get length(): number {
    return this.entries.size;
  }
  key(index: number): string | null {
    return [...this.entries.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.entries.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (value.length > this.limit) throw new DOMException('full', 'QuotaExceededError');
    this.entries.set(key, value);
  }
  removeItem(key: string): void {
    this.entries.delete(key);
  }
  clear(): void {
    this.entries.clear();
  }
}

function sample(now = 5): Conversation {
  const asked = addMessage(newConversation('Be brief.', now), {
    id: 'q',
    parent: null,
    role: 'user',
    content: 'Why?',
    createdAt: now,
  });
  return addMessage(asked, {
    id: 'a',
    parent: 'q',
    role: 'assistant',
    content: 'Because.',
    createdAt: now,
    answer: {
      state: 'complete',
      model: 'm',
      sampling: { temperature: 0.5 },
      stats: { totalMs: 9, tokens: 2, exact: true, firstTokenMs: 3 },
      usage: { promptTokens: 4, completionTokens: 2 },
    },
  });
}

describe('the history', () => {
  it('gives back what it was given, newest first', () => {
    const history = new History(new FakeStorage());
    const [older, newer] = [sample(1), sample(2)];
    expect(history.save(older)).toBe('saved');
    expect(history.save(newer)).toBe('saved');
    expect(history.all()).toEqual([newer, older]);
    expect(history.get(older.id)).toEqual(older);
    history.remove(older.id);
    expect(history.all()).toEqual([newer]);
    expect(history.get(older.id)).toBeUndefined();
  });

  it('says so when the browser’s storage is full', () => {
    expect(new History(new FakeStorage(10)).save(sample())).toBe('full');
  });

  it('shows nothing of entries that it cannot read and does not touch them', () => {
    const storage = new FakeStorage();
    const foreign = [
      '{',
      'null',
      '[]',
      '{"format":2,"id":"x","messages":[]}',
      '{"format":1,"id":"other","messages":[]}',
    ];
    foreign.forEach((entry, index) => storage.setItem(`lathe.conversation.x${index}`, entry));
    storage.setItem('unrelated', '1');
    expect(new History(storage).all()).toEqual([]);
    expect(storage.length).toBe(foreign.length + 1);
  });

  it('marks an answer as cut whose page was closed while it streamed', () => {
    const stored = { format: 1, ...JSON.parse(JSON.stringify(sample())) };
    stored.messages[1].answer.state = 'streaming';
    const read = readConversation(stored);
    expect(read?.messages[1]?.answer).toMatchObject({ state: 'failed', failure: { kind: 'cut' } });
  });

  it('drops messages without a parent, with a double name or of an unknown kind', () => {
    const stored = { format: 1, ...JSON.parse(JSON.stringify(sample())) };
    stored.messages.push(
      { ...stored.messages[1] },
      { ...stored.messages[0], id: 'z', parent: 'gone' },
      { id: 'y', parent: null, role: 'system', content: '' },
      null,
    );
    const read = readConversation(stored);
    expect(read && pathOf(read).map(({ id }) => id)).toEqual(['q', 'a']);
    expect(read?.messages).toHaveLength(2);
  });

  it('exports everything as JSON', () => {
    const conversation = sample();
    const file = JSON.parse(exportJson([conversation], new Date(0)));
    expect(file.exported_at).toBe('1970-01-01T00:00:00.000Z');
    expect(file.conversations).toEqual([JSON.parse(JSON.stringify(conversation))]);
  });

  it('knows its own keys among those of other tabs', () => {
    expect(History.idOfKey('lathe.conversation.abc')).toBe('abc');
    expect(History.idOfKey('other')).toBeNull();
    expect(History.idOfKey(null)).toBeNull();
  });
});
