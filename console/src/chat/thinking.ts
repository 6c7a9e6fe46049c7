// Models that reason write it first, between <think> and </think>.

export interface Parts {
  thinking: string;
  thinkingIsOver: boolean;
  answer: string;
}

export function splitThinking(content: string, separate = ''): Parts {
  const start = /^\s*<think>/.exec(content);
  if (!start) return { thinking: separate, thinkingIsOver: content !== '', answer: content };
  const body = content.slice(start[0].length);
  const end = body.indexOf('</think>');
  if (end < 0) return { thinking: separate + body, thinkingIsOver: false, answer: '' };
  return {
    thinking: (separate + body.slice(0, end)).trim(),
    thinkingIsOver: true,
    answer: body.slice(end + '</think>'.length).trimStart(),
  };
}
