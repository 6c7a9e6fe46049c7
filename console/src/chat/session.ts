// The conversations and the answers under way: what the chat page shows and does.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { ChatEvent, ChatRequest, Usage } from '../api/client';
import { failureOf, type Failure } from '../api/failure';
import {
  addMessage,
  changeMessage,
  choose,
  newConversation,
  newId,
  pathOf,
  promptFor,
  type Answer,
  type AnswerState,
  type Conversation,
  type Message,
} from './conversation';
import type { History } from './history';
import type { Sampling } from './sampling';
import { StreamStats, type AnswerStats } from './stats';

export interface SessionOptions {
  streamChat: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent>;
  history: History;
  // Read when an answer begins.
  settings: () => { model: string; sampling: Sampling; systemPrompt: string };
  nowMs: () => number; // monotonic
  wallClock: () => number;
  // Calls back soon, once; text that comes before is shown together.
  soon: (callback: () => void) => void;
  onEnd?: (end: { state: AnswerState; tokens: number; failure?: Failure }) => void;
  onBegin?: () => void;
}

// An answer under way.
export interface LiveAnswer {
  messageId: string;
  stats: AnswerStats;
  samples: readonly number[];
}

interface Run {
  conversationId: string;
  messageId: string;
  abort: AbortController;
  stats: StreamStats;
  text: string;
  thinking: string;
  usage?: Usage;
  reason?: string;
  savedMs: number;
  flushWaits: boolean;
  over: boolean;
}

const SAVE_EVERY_MS = 1000;

// One answer at a time in each conversation; several conversations may be answered at
// once. Everything is saved as it happens.
export class Session {
  private readonly stored = signal<readonly Conversation[]>([]);
  private readonly currentId = signal<string | null>(null);
  private readonly draft = signal<Conversation>(newConversation('', 0)); // not yet stored
  private readonly live = signal<ReadonlyMap<string, LiveAnswer>>(new Map());
  private readonly busy = signal<ReadonlySet<string>>(new Set());
  private readonly full = signal(false);
  private readonly runs = new Map<string, Run>(); // by conversation

  // Newest first.
  readonly conversations: ReadonlySignal<readonly Conversation[]> = computed(() =>
    [...this.stored.value].sort((a, b) => b.updatedAt - a.updatedAt),
  );
  readonly current: ReadonlySignal<Conversation> = computed(
    () => this.stored.value.find(({ id }) => id === this.currentId.value) ?? this.draft.value,
  );
  // The same until another conversation is opened, whatever is written in this one.
  readonly currentConversationId: ReadonlySignal<string> = computed(() => this.current.value.id);
  // By conversation. Changes with every piece of text; `answering` only when one begins or ends.
  readonly liveAnswers: ReadonlySignal<ReadonlyMap<string, LiveAnswer>> = this.live;
  readonly answering: ReadonlySignal<ReadonlySet<string>> = this.busy;
  readonly storageIsFull: ReadonlySignal<boolean> = this.full;

  constructor(private readonly options: SessionOptions) {
    this.stored.value = options.history.all();
    this.startNew();
  }

  startNew(): void {
    const { systemPrompt } = this.options.settings();
    this.draft.value = newConversation(systemPrompt, this.options.wallClock());
    this.currentId.value = null;
  }

  // False if there is no such conversation.
  open(id: string): boolean {
    const known = this.stored.value.some((conversation) => conversation.id === id);
    if (known) this.currentId.value = id;
    return known;
  }

  send(text: string): void {
    const conversation = this.current.value;
    const parent = pathOf(conversation).at(-1)?.id ?? null;
    this.ask(conversation, parent, text);
  }

  // A new version of a question; what followed the old one stays with it.
  resend(message: Message, text: string): void {
    this.ask(this.current.value, message.parent, text);
  }

  // A new version of an answer.
  regenerate(message: Message): void {
    const conversation = this.current.value;
    const question = conversation.messages.find(({ id }) => id === message.parent);
    if (question && !this.runs.has(conversation.id)) this.answer(conversation, question);
  }

  stop(conversationId: string): void {
    const run = this.runs.get(conversationId);
    if (!run) return;
    this.end(run, 'stopped');
    run.abort.abort();
  }

  chooseVersion(message: Message): void {
    this.put(choose(this.current.value, message), 'save');
  }

  setSystemPrompt(systemPrompt: string): void {
    const conversation = this.current.value;
    if (conversation === this.draft.value) this.draft.value = { ...conversation, systemPrompt };
    else this.put({ ...conversation, systemPrompt }, 'save');
  }

  rename(id: string, title: string): void {
    const conversation = this.find(id);
    const trimmed = title.trim();
    if (conversation && trimmed)
      this.put({ ...conversation, title: trimmed, titleIsOwn: true }, 'save');
  }

  // Gives back what was removed, for `restore`.
  remove(id: string): Conversation | undefined {
    const conversation = this.find(id);
    if (!conversation) return undefined;
    this.stop(id);
    const removed = this.find(id) ?? conversation;
    this.options.history.remove(id);
    this.stored.value = this.stored.value.filter((other) => other.id !== id);
    if (this.currentId.value === id) this.startNew();
    this.full.value = false;
    return removed;
  }

  restore(conversation: Conversation): void {
    this.put(conversation, 'save');
  }

  removeAll(): void {
    for (const { id } of this.stored.value) this.remove(id);
  }

  // Another tab has changed a conversation.
  reload(id: string): void {
    if (this.runs.has(id)) return;
    const changed = this.options.history.get(id);
    const others = this.stored.value.filter((conversation) => conversation.id !== id);
    this.stored.value = changed ? [...others, changed] : others;
    if (!changed && this.currentId.value === id) this.startNew();
  }

  // Before the page goes: answers under way are stored as far as they have come.
  saveAll(): void {
    for (const run of this.runs.values()) this.flush(run, 'save');
  }

  // Lets the numbers of answers under way move on while nothing comes.
  tick(): void {
    for (const run of this.runs.values()) this.showLive(run);
  }

  private ask(conversation: Conversation, parent: string | null, text: string): void {
    if (this.runs.has(conversation.id)) return;
    const question: Message = {
      id: newId(),
      parent,
      role: 'user',
      content: text,
      createdAt: this.options.wallClock(),
    };
    this.answer(addMessage(conversation, question), question);
  }

  private answer(conversation: Conversation, question: Message): void {
    const { model, sampling } = this.options.settings();
    const message: Message = {
      id: newId(),
      parent: question.id,
      role: 'assistant',
      content: '',
      createdAt: this.options.wallClock(),
      answer: { state: 'streaming', model, sampling },
    };
    const messages = promptFor(conversation, question);
    this.put(addMessage(conversation, message), 'save');
    this.currentId.value = conversation.id;
    const now = this.options.nowMs();
    const run: Run = {
      conversationId: conversation.id,
      messageId: message.id,
      abort: new AbortController(),
      stats: new StreamStats(now),
      text: '',
      thinking: '',
      savedMs: now,
      flushWaits: false,
      over: false,
    };
    this.runs.set(conversation.id, run);
    this.busy.value = new Set(this.runs.keys());
    this.showLive(run);
    this.options.onBegin?.();
    void this.follow(run, { model, messages, ...sampling });
  }

  private async follow(run: Run, request: ChatRequest): Promise<void> {
    try {
      for await (const event of this.options.streamChat(request, run.abort.signal)) {
        if (run.over) return;
        this.take(run, event);
      }
      this.end(run, run.reason === 'length' ? 'length' : 'complete');
    } catch (error) {
      this.end(run, 'failed', failureOf(error));
    }
  }

  private take(run: Run, event: ChatEvent): void {
    switch (event.type) {
      case 'text':
        run.text += event.text;
        run.stats.piece(this.options.nowMs());
        break;
      case 'thinking':
        run.thinking += event.text;
        run.stats.piece(this.options.nowMs());
        break;
      case 'finish':
        run.reason = event.reason;
        return;
      case 'usage':
        run.usage = event.usage;
        return;
    }
    if (run.flushWaits) return;
    run.flushWaits = true;
    this.options.soon(() => {
      run.flushWaits = false;
      if (run.over) return;
      const due = this.options.nowMs() - run.savedMs >= SAVE_EVERY_MS;
      this.flush(run, due ? 'save' : 'show');
    });
  }

  private flush(run: Run, how: 'save' | 'show'): void {
    if (how === 'save') run.savedMs = this.options.nowMs();
    this.change(run, how, (answer) => answer);
    this.showLive(run);
  }

  private end(run: Run, state: AnswerState, failure?: Failure): void {
    if (run.over) return;
    run.over = true;
    this.runs.delete(run.conversationId);
    this.busy.value = new Set(this.runs.keys());
    const live = new Map(this.live.value);
    live.delete(run.conversationId);
    this.live.value = live;
    const stats = run.stats.final(this.options.nowMs(), run.usage?.completionTokens);
    this.change(run, 'save', (answer) => {
      const ended: Answer = { ...answer, state, stats };
      if (run.usage) ended.usage = run.usage;
      if (failure) ended.failure = failure;
      return ended;
    });
    this.options.onEnd?.({ state, tokens: stats.tokens, ...(failure ? { failure } : {}) });
  }

  // Brings the text so far into the message and changes its answer.
  private change(run: Run, how: 'save' | 'show', edit: (answer: Answer) => Answer): void {
    const conversation = this.find(run.conversationId);
    if (!conversation) return;
    const changed = changeMessage(conversation, run.messageId, (message) => {
      if (!message.answer) return message;
      const answer = edit(message.answer);
      const withThinking = run.thinking ? { ...answer, thinking: run.thinking } : answer;
      return { ...message, content: run.text, answer: withThinking };
    });
    this.put(changed, how);
  }

  private showLive(run: Run): void {
    const answer: LiveAnswer = {
      messageId: run.messageId,
      stats: run.stats.live(this.options.nowMs()),
      samples: run.stats.samples(),
    };
    this.live.value = new Map(this.live.value).set(run.conversationId, answer);
  }

  private put(conversation: Conversation, how: 'save' | 'show'): void {
    const known = this.stored.value.some(({ id }) => id === conversation.id);
    this.stored.value = known
      ? this.stored.value.map((other) => (other.id === conversation.id ? conversation : other))
      : [...this.stored.value, conversation];
    if (how === 'save') this.full.value = this.options.history.save(conversation) === 'full';
  }

  private find(id: string): Conversation | undefined {
    return this.stored.value.find((conversation) => conversation.id === id);
  }
}
