import { describe, expect, it } from 'vitest';
import { SseParser, type SseEvent } from './sse';

function parse(pieces: string[]): SseEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const data = (events: SseEvent[]) => events.map((event) => event.data);

describe('the parser of server-sent events', () => {
  it('gives one event for each blank line', () => {
    expect(parse(['data: one\n\ndata: two\n\n'])).toEqual([
      { event: 'message', data: 'one' },
      { event: 'message', data: 'two' },
    ]);
  });

  it('gives the same events however the stream is cut', () => {
    const stream = '\uFEFFdata: {"a":1}\r\n\r\n: ping\r\rdata:x\ndata: y\n\nevent: e\rdata\r\r';
    const whole = parse([stream]);
    expect(whole).toEqual([
      { event: 'message', data: '{"a":1}' },
      { event: 'message', data: 'x\ny' },
      { event: 'e', data: '' },
    ]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(parse([stream.slice(0, cut), stream.slice(cut)])).toEqual(whole);
    }
    expect(parse([...stream])).toEqual(whole);
  });

  it('passes over comments and unknown fields', () => {
    expect(data(parse([': keep-alive\n\nid: 7\nretry: 10\nfoo: bar\ndata: x\n\n']))).toEqual(['x']);
  });

  it('takes one space after the colon and no more', () => {
    expect(data(parse(['data:  two\n\ndata:none\n\n']))).toEqual([' two', 'none']);
  });

  it('drops a last event that has no blank line', () => {
    expect(parse(['data: whole\n\ndata: half\n'])).toHaveLength(1);
  });

  it('forgets the name of an event that had no data', () => {
    expect(parse(['event: lost\n\ndata: x\n\n'])).toEqual([{ event: 'message', data: 'x' }]);
  });

  it('refuses an event without end instead of growing for ever', () => {
    const parser = new SseParser(1000);
    expect(() => {
      for (let index = 0; index < 100; index += 1) parser.push('data: ' + 'x'.repeat(50));
    }).toThrow(/longer than 1000/);
    const lines = new SseParser(1000);
    expect(() => {
      for (let index = 0; index < 100; index += 1) lines.push('data: ' + 'x'.repeat(50) + '\n');
    }).toThrow(/longer than 1000/);
  });
});
