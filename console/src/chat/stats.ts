// Speed of one answer, as the user sees it: measured in the browser from the moment the
// request leaves. Times are milliseconds of one monotonic clock.

export interface AnswerStats {
  firstTokenMs?: number; // from request to first text
  totalMs: number; // from request to now, or to the end
  tokens: number; // counted pieces; the server's count once it is known
  exact: boolean; // `tokens` is the server's count
  tokensPerSecond?: number; // after the first token
}

const WINDOW_MS = 2000;
const SAMPLE_MS = 250;
const SAMPLES_MAX = 48;

export class StreamStats {
  private firstMs: number | undefined;
  private lastMs: number | undefined;
  private pieces = 0;
  private recent: number[] = []; // arrival times of the last window
  private samplesTaken: number[] = [];
  private sampledMs = 0;

  constructor(private readonly startMs: number) {}

  // A piece of text has come: one token, as far as the console can tell.
  piece(nowMs: number): void {
    this.firstMs ??= nowMs;
    this.lastMs = nowMs;
    this.pieces += 1;
    this.recent.push(nowMs);
    this.forget(nowMs);
    if (nowMs - this.sampledMs >= SAMPLE_MS) {
      this.sampledMs = nowMs;
      const rate = this.liveRate(nowMs);
      if (rate !== undefined) this.samplesTaken = [...this.samplesTaken, rate].slice(-SAMPLES_MAX);
    }
  }

  // Tokens per second over the last samples, oldest first, for a small curve.
  samples(): readonly number[] {
    return this.samplesTaken;
  }

  live(nowMs: number): AnswerStats {
    this.forget(nowMs);
    return this.stats(nowMs, this.pieces, false, this.liveRate(nowMs));
  }

  final(endMs: number, completionTokens?: number): AnswerStats {
    const tokens = completionTokens ?? this.pieces;
    return this.stats(endMs, tokens, completionTokens !== undefined, this.meanRate(tokens));
  }

  private stats(nowMs: number, tokens: number, exact: boolean, rate?: number): AnswerStats {
    const stats: AnswerStats = { totalMs: nowMs - this.startMs, tokens, exact };
    if (this.firstMs !== undefined) stats.firstTokenMs = this.firstMs - this.startMs;
    if (rate !== undefined) stats.tokensPerSecond = rate;
    return stats;
  }

  private forget(nowMs: number): void {
    let old = 0;
    while (old < this.recent.length && (this.recent[old] ?? nowMs) < nowMs - WINDOW_MS) old += 1;
    if (old > 0) this.recent.splice(0, old);
  }

  private liveRate(nowMs: number): number | undefined {
    const first = this.recent[0];
    if (first === undefined || this.recent.length < 2 || nowMs <= first) return undefined;
    return ((this.recent.length - 1) * 1000) / (nowMs - first);
  }

  // The first token waits for the prompt, so it starts the clock and is not counted.
  private meanRate(tokens: number): number | undefined {
    if (this.firstMs === undefined || this.lastMs === undefined) return undefined;
    const spanMs = this.lastMs - this.firstMs;
    return tokens > 1 && spanMs > 0 ? ((tokens - 1) * 1000) / spanMs : undefined;
  }
}
