// Server-sent events from a text stream, as the HTML standard defines them
// ("9.2.6 Interpreting an event stream"), for responses that EventSource cannot make
// (it knows neither POST nor headers).

export interface SseEvent {
  event: string;
  data: string;
}

// Feed text in pieces of any size; complete events come back. A last event without its
// blank line is dropped, as the standard says. Linear in the length of the stream.
export class SseParser {
  private line = ''; // begun, not ended
  private skipLineFeed = false; // the last piece ended in the CR of a CRLF, perhaps
  private atStart = true;
  private event = '';
  private data: string[] = [];
  private dataLength = 0;

  constructor(private readonly eventLengthMax = 4 * 1024 * 1024) {}

  push(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let start = 0;
    if (this.atStart && text.length > 0) {
      this.atStart = false;
      if (text.charCodeAt(0) === 0xfeff) start = 1;
    }
    if (this.skipLineFeed && text.length > start) {
      this.skipLineFeed = false;
      if (text[start] === '\n') start += 1;
    }
    while (start < text.length) {
      const end = lineEnd(text, start);
      if (end < 0) {
        this.line += text.slice(start);
        break;
      }
      this.endLine(this.line + text.slice(start, end), events);
      this.line = '';
      start = end + 1;
      if (text[end] === '\r') {
        if (start === text.length) this.skipLineFeed = true;
        else if (text[start] === '\n') start += 1;
      }
    }
    this.checkLength(this.line.length);
    return events;
  }

  private endLine(line: string, events: SseEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) {
        events.push({ event: this.event || 'message', data: this.data.join('\n') });
      }
      this.event = '';
      this.data = [];
      this.dataLength = 0;
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment: keep-alive
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.event = value;
    if (field === 'data') {
      this.data.push(value);
      this.dataLength += value.length;
      this.checkLength(this.dataLength);
    }
  }

  private checkLength(length: number): void {
    if (length > this.eventLengthMax) {
      throw new Error(`an event of the stream is longer than ${this.eventLengthMax} characters`);
    }
  }
}

function lineEnd(text: string, from: number): number {
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 10 || code === 13) return index;
  }
  return -1;
}
