// A conversation as a tree of messages, so that regenerating an answer and editing a
// question keep what was there before. One path through the tree is on display; each
// function returns a changed copy and leaves its argument alone.
import type { ChatMessage, Usage } from '../api/client';
import type { Failure } from '../api/failure';
import type { Sampling } from './sampling';
import type { AnswerStats } from './stats';

// streaming  text is coming
// complete   the model came to an end of its own
// length     the limit of tokens ended it
// stopped    the user ended it
// failed     an error ended it; unfinished, whatever text there is
export type AnswerState = 'streaming' | 'complete' | 'length' | 'stopped' | 'failed';

export interface Answer {
  state: AnswerState;
  model: string;
  sampling: Sampling; // as it was sent
  thinking?: string;
  stats?: AnswerStats;
  usage?: Usage;
  failure?: Failure;
}

export interface Message {
  id: string;
  parent: string | null;
  role: 'user' | 'assistant';
  content: string;
  createdAt: number;
  answer?: Answer; // of assistants only
}

export interface Conversation {
  id: string;
  title: string; // '' until it has a message
  titleIsOwn: boolean; // the user gave it
  createdAt: number;
  updatedAt: number;
  systemPrompt: string;
  messages: readonly Message[]; // parents before children
  chosen: Readonly<Record<string, string>>; // parent's id or ROOT -> the child on display
}

export const ROOT = 'root';

export function newConversation(systemPrompt: string, now: number): Conversation {
  return {
    id: newId(),
    title: '',
    titleIsOwn: false,
    createdAt: now,
    updatedAt: now,
    systemPrompt,
    messages: [],
    chosen: {},
  };
}

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The messages on display, oldest first.
export function pathOf(conversation: Conversation): Message[] {
  const byId = new Map(conversation.messages.map((message) => [message.id, message]));
  const lastChild = new Map<string, Message>();
  for (const message of conversation.messages) lastChild.set(message.parent ?? ROOT, message);
  const path: Message[] = [];
  let parent = ROOT;
  while (path.length < conversation.messages.length) {
    const chosen = byId.get(conversation.chosen[parent] ?? '');
    const next = chosen && (chosen.parent ?? ROOT) === parent ? chosen : lastChild.get(parent);
    if (!next) break;
    path.push(next);
    parent = next.id;
  }
  return path;
}

// The alternatives to a message, itself among them, oldest first.
export function siblingsOf(conversation: Conversation, message: Message): Message[] {
  return conversation.messages.filter((other) => other.parent === message.parent);
}

// Adds a message and puts it on display.
export function addMessage(conversation: Conversation, message: Message): Conversation {
  const titled =
    conversation.title === '' && !conversation.titleIsOwn && message.role === 'user'
      ? titleFrom(message.content)
      : conversation.title;
  return {
    ...conversation,
    title: titled,
    updatedAt: message.createdAt,
    messages: [...conversation.messages, message],
    chosen: { ...conversation.chosen, [message.parent ?? ROOT]: message.id },
  };
}

export function changeMessage(
  conversation: Conversation,
  id: string,
  change: (message: Message) => Message,
): Conversation {
  return {
    ...conversation,
    messages: conversation.messages.map((message) =>
      message.id === id ? change(message) : message,
    ),
  };
}

export function choose(conversation: Conversation, message: Message): Conversation {
  return {
    ...conversation,
    chosen: { ...conversation.chosen, [message.parent ?? ROOT]: message.id },
  };
}

// What to send for the answer to `message`: the system prompt and the way to it. Answers
// that failed before their first word are left out.
export function promptFor(conversation: Conversation, message: Message): ChatMessage[] {
  const byId = new Map(conversation.messages.map((entry) => [entry.id, entry]));
  const way: ChatMessage[] = [];
  for (
    let at: Message | undefined = message;
    at && way.length <= conversation.messages.length;
    at = at.parent === null ? undefined : byId.get(at.parent)
  ) {
    if (at.role === 'user' || at.content !== '') way.push({ role: at.role, content: at.content });
  }
  const system = conversation.systemPrompt.trim();
  if (system) way.push({ role: 'system', content: conversation.systemPrompt });
  return way.reverse();
}

// The first words of the first question.
export function titleFrom(content: string): string {
  const line = content.trim().split(/\s*\n/, 1)[0] ?? '';
  const characters = [...line.replace(/^[#>*\-\s]+/, '')];
  return characters.length > 60
    ? characters.slice(0, 59).join('').trimEnd() + '…'
    : characters.join('');
}
