// Conversations in the browser's storage: one entry each, so that saving one does not
// write the others. What is read back is checked; an entry that cannot be read is left
// where it is and not shown.
import type { Usage } from '../api/client';
import { FAILURE_KINDS, type Failure } from '../api/failure';
import type { Answer, AnswerState, Conversation, Message } from './conversation';
import { readSampling } from './sampling';
import type { AnswerStats } from './stats';

const PREFIX = 'lathe.conversation.';
const FORMAT = 1;

export type SaveResult = 'saved' | 'full';

export class History {
  constructor(private readonly storage: Storage) {}

  // Newest first.
  all(): Conversation[] {
    const found: Conversation[] = [];
    for (let index = 0; index < this.storage.length; index += 1) {
      const key = this.storage.key(index);
      if (!key?.startsWith(PREFIX)) continue;
      const conversation = readConversation(parse(this.storage.getItem(key)));
      if (conversation && PREFIX + conversation.id === key) found.push(conversation);
    }
    return found.sort((a, b) => b.updatedAt - a.updatedAt);
  }

  get(id: string): Conversation | undefined {
    return readConversation(parse(this.storage.getItem(PREFIX + id)));
  }

  save(conversation: Conversation): SaveResult {
    try {
      const entry = JSON.stringify({ format: FORMAT, ...conversation });
      this.storage.setItem(PREFIX + conversation.id, entry);
      return 'saved';
    } catch {
      return 'full';
    }
  }

  remove(id: string): void {
    this.storage.removeItem(PREFIX + id);
  }

  // The id in the key of a `storage` event of another tab; null for foreign keys.
  static idOfKey(key: string | null): string | null {
    return key?.startsWith(PREFIX) ? key.slice(PREFIX.length) : null;
  }
}

// What `Export` writes: everything about the conversations, readable by other tools.
export function exportJson(conversations: readonly Conversation[], now: Date): string {
  const file = {
    application: 'lathe',
    format: FORMAT,
    exported_at: now.toISOString(),
    conversations,
  };
  return JSON.stringify(file, null, 2) + '\n';
}

export function readConversation(value: unknown): Conversation | undefined {
  if (!isRecord(value) || value['format'] !== FORMAT) return undefined;
  const { id, title, createdAt, updatedAt, systemPrompt, messages, chosen } = value;
  if (typeof id !== 'string' || !Array.isArray(messages)) return undefined;
  const known = new Set<string>();
  const read: Message[] = [];
  for (const entry of messages) {
    const message = readMessage(entry);
    if (!message || known.has(message.id)) continue;
    if (message.parent !== null && !known.has(message.parent)) continue;
    known.add(message.id);
    read.push(message);
  }
  return {
    id,
    title: text(title),
    titleIsOwn: value['titleIsOwn'] === true,
    createdAt: number(createdAt),
    updatedAt: number(updatedAt),
    systemPrompt: text(systemPrompt),
    messages: read,
    chosen: isRecord(chosen)
      ? Object.fromEntries(
          Object.entries(chosen).filter(
            (pair): pair is [string, string] => typeof pair[1] === 'string',
          ),
        )
      : {},
  };
}

function readMessage(value: unknown): Message | undefined {
  if (!isRecord(value)) return undefined;
  const { id, parent, role, content, createdAt } = value;
  if (typeof id !== 'string' || typeof content !== 'string') return undefined;
  if (parent !== null && typeof parent !== 'string') return undefined;
  if (role === 'user') return { id, parent, role, content, createdAt: number(createdAt) };
  if (role !== 'assistant') return undefined;
  const answer = readAnswer(value['answer']);
  return { id, parent, role, content, createdAt: number(createdAt), answer };
}

function readAnswer(value: unknown): Answer {
  const stored = isRecord(value) ? value : {};
  const states: readonly unknown[] = ['complete', 'length', 'stopped', 'failed'];
  const known = states.includes(stored['state']);
  const answer: Answer = {
    // An answer stored while it was streaming ended with its page.
    state: known ? (stored['state'] as AnswerState) : 'failed',
    model: text(stored['model']),
    sampling: readSampling(stored['sampling']),
  };
  if (typeof stored['thinking'] === 'string') answer.thinking = stored['thinking'];
  const stats = readStats(stored['stats']);
  if (stats) answer.stats = stats;
  const usage = readUsage(stored['usage']);
  if (usage) answer.usage = usage;
  const failure = readFailure(stored['failure']);
  if (failure) answer.failure = failure;
  else if (!known) answer.failure = { kind: 'cut', message: '' };
  return answer;
}

function readFailure(value: unknown): Failure | undefined {
  if (!isRecord(value)) return undefined;
  const kind = FAILURE_KINDS.find((candidate) => candidate === value['kind']);
  if (!kind) return undefined;
  const failure: Failure = { kind, message: text(value['message']) };
  for (const key of ['status', 'retryAfterSeconds'] as const) {
    if (typeof value[key] === 'number') failure[key] = value[key];
  }
  for (const key of ['code', 'param', 'requestId'] as const) {
    if (typeof value[key] === 'string') failure[key] = value[key];
  }
  return failure;
}

function readStats(value: unknown): AnswerStats | undefined {
  if (!isRecord(value) || typeof value['totalMs'] !== 'number') return undefined;
  const stats: AnswerStats = {
    totalMs: value['totalMs'],
    tokens: number(value['tokens']),
    exact: value['exact'] === true,
  };
  for (const key of ['firstTokenMs', 'tokensPerSecond'] as const) {
    const entry = value[key];
    if (typeof entry === 'number') stats[key] = entry;
  }
  return stats;
}

function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const { promptTokens, completionTokens } = value;
  if (typeof promptTokens !== 'number' || typeof completionTokens !== 'number') return undefined;
  return { promptTokens, completionTokens };
}

function parse(json: string | null): unknown {
  try {
    return json === null ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
