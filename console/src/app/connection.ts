// What is known of the server: whether it answers, its models and their facts.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Client, Health, ModelCard } from '../api/client';
import { failureOf, type Failure } from '../api/failure';
import { readFacts, type Facts } from '../model/facts';
import { preferences } from './preferences';

export type Status = Health | 'unknown';

export interface ModelFacts {
  facts?: Facts;
  json?: unknown;
  failure?: Failure;
}

const CHECK_EVERY_MS = 15_000;
const CHECK_SOON_MS = 2_000;

export class Connection {
  private readonly statusNow = signal<Status>('unknown');
  private readonly modelList = signal<readonly ModelCard[]>([]);
  private readonly listFailure = signal<Failure | null>(null);
  private readonly factsById = signal<ReadonlyMap<string, ModelFacts>>(new Map());
  private readonly asked = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  readonly status: ReadonlySignal<Status> = this.statusNow;
  readonly models: ReadonlySignal<readonly ModelCard[]> = this.modelList;
  readonly failure: ReadonlySignal<Failure | null> = this.listFailure;
  readonly facts: ReadonlySignal<ReadonlyMap<string, ModelFacts>> = this.factsById;

  // The model to use: the chosen one if the server has it, else its first; '' if none.
  readonly model: ReadonlySignal<string> = computed(() => {
    const known = this.modelList.value.map(({ id }) => id);
    const chosen = preferences.value.model;
    return chosen !== null && known.includes(chosen) ? chosen : (known[0] ?? '');
  });

  readonly modelFacts: ReadonlySignal<ModelFacts | undefined> = computed(() =>
    this.factsById.value.get(this.model.value),
  );

  // What the server takes at most, which may be less than the model could.
  readonly contextLength: ReadonlySignal<number | undefined> = computed(() => {
    const card = this.modelList.value.find(({ id }) => id === this.model.value);
    return card?.contextLength ?? this.modelFacts.value?.facts?.contextLength;
  });

  constructor(private readonly client: Client) {}

  // Looks now and from then on, often while the server is away.
  async check(): Promise<void> {
    clearTimeout(this.timer);
    const before = this.statusNow.value;
    const health = await this.client.health();
    this.statusNow.value = health;
    const isNew = before !== 'ready' || this.modelList.value.length === 0;
    if (health === 'ready' && isNew) await this.loadModels();
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => (document.hidden ? this.waitUntilSeen() : void this.check()),
      health === 'ready' ? CHECK_EVERY_MS : CHECK_SOON_MS,
    );
  }

  async loadModels(): Promise<void> {
    try {
      this.modelList.value = await this.client.models();
      this.listFailure.value = null;
      this.asked.clear();
      this.factsById.value = new Map();
    } catch (error) {
      this.listFailure.value = failureOf(error);
    }
    if (this.model.value) await this.loadFacts(this.model.value);
  }

  async loadFacts(model: string): Promise<void> {
    if (this.asked.has(model)) return;
    this.asked.add(model);
    let found: ModelFacts;
    try {
      const json = await this.client.facts(model);
      found = { json, facts: readFacts(json) };
    } catch (error) {
      this.asked.delete(model);
      found = { failure: failureOf(error) };
    }
    this.factsById.value = new Map(this.factsById.value).set(model, found);
  }

  private waitUntilSeen(): void {
    document.addEventListener('visibilitychange', () => void this.check(), { once: true });
  }
}
