import { describe, expect, it } from 'vitest';
import { StreamStats } from './stats';

describe('the statistics of an answer', () => {
  it('take the time to the first token from the request', () => {
    const stats = new StreamStats(1000);
    expect(stats.live(1200)).toEqual({ totalMs: 200, tokens: 0, exact: false });
    stats.piece(1400);
    expect(stats.live(1500).firstTokenMs).toBe(400);
    expect(stats.live(1500).totalMs).toBe(500);
  });

  it('count tokens per second after the first token', () => {
    const stats = new StreamStats(0);
    for (let index = 0; index <= 10; index += 1) stats.piece(5000 + index * 100);
    expect(stats.final(6100).tokensPerSecond).toBeCloseTo(10);
    expect(stats.final(6100)).toMatchObject({ tokens: 11, exact: false, totalMs: 6100 });
  });

  it('use the server’s count once it is known', () => {
    const stats = new StreamStats(0);
    stats.piece(1000);
    stats.piece(2000); // two pieces, but the second held three tokens
    expect(stats.final(2000, 4)).toMatchObject({ tokens: 4, exact: true, tokensPerSecond: 3 });
  });

  it('follow the speed of the last moments while the answer comes', () => {
    const stats = new StreamStats(0);
    for (let at = 0; at < 4000; at += 100) stats.piece(at);
    expect(stats.live(3900).tokensPerSecond).toBeCloseTo(10);
    for (let at = 4000; at <= 8000; at += 20) stats.piece(at);
    expect(stats.live(8000).tokensPerSecond).toBeCloseTo(50, 0);
    expect(stats.live(20000).tokensPerSecond).toBeUndefined();
  });

  it('have no speed for one token and none at all for an empty answer', () => {
    const stats = new StreamStats(0);
    expect(stats.final(100)).toEqual({ totalMs: 100, tokens: 0, exact: false });
    stats.piece(50);
    expect(stats.final(100, 1).tokensPerSecond).toBeUndefined();
    stats.piece(50);
    expect(stats.final(100).tokensPerSecond).toBeUndefined();
  });

  it('keep a bounded number of samples for the curve', () => {
    const stats = new StreamStats(0);
    for (let at = 0; at < 60_000; at += 10) stats.piece(at);
    expect(stats.samples().length).toBe(48);
    expect(stats.samples().every((rate) => Math.abs(rate - 100) < 1)).toBe(true);
  });
});
