import { describe, expect, it } from 'vitest';
import {
  addMessage,
  changeMessage,
  choose,
  newConversation,
  newId,
  pathOf,
  promptFor,
  siblingsOf,
  titleFrom,
  type Conversation,
  type Message,
} from './conversation';

function message(id: string, parent: string | null, content = id): Message {
  const role = id.startsWith('q') ? 'user' : 'assistant';
  return { id, parent, role, content, createdAt: 1 };
}

function build(...messages: Message[]): Conversation {
  return messages.reduce(addMessage, newConversation('', 0));
}

const ids = (messages: Message[]) => messages.map(({ id }) => id).join(' ');

describe('a conversation', () => {
  const linear = build(
    message('q1', null),
    message('a1', 'q1'),
    message('q2', 'a1'),
    message('a2', 'q2'),
  );

  it('shows its messages in order', () => {
    expect(ids(pathOf(linear))).toBe('q1 a1 q2 a2');
    expect(pathOf(newConversation('', 0))).toEqual([]);
  });

  it('shows a regenerated answer and keeps the old one', () => {
    const regenerated = addMessage(linear, message('a2b', 'q2'));
    expect(ids(pathOf(regenerated))).toBe('q1 a1 q2 a2b');
    expect(ids(siblingsOf(regenerated, message('a2b', 'q2')))).toBe('a2 a2b');
    expect(ids(pathOf(choose(regenerated, message('a2', 'q2'))))).toBe('q1 a1 q2 a2');
  });

  it('branches where a question is edited, even the first', () => {
    const edited = addMessage(addMessage(linear, message('q1b', null)), message('a1b', 'q1b'));
    expect(ids(pathOf(edited))).toBe('q1b a1b');
    expect(ids(pathOf(choose(edited, message('q1', null))))).toBe('q1 a1 q2 a2');
  });

  it('sends the way to the question, the system prompt first', () => {
    const prompted = { ...linear, systemPrompt: 'Be brief.' };
    expect(promptFor(prompted, message('q2', 'a1'))).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'q1' },
      { role: 'assistant', content: 'a1' },
      { role: 'user', content: 'q2' },
    ]);
    expect(promptFor({ ...linear, systemPrompt: '  ' }, message('q1', null))).toHaveLength(1);
  });

  it('does not send an answer that never came', () => {
    const failed = build(message('q1', null), message('a1', 'q1', ''), message('q2', 'a1'));
    expect(promptFor(failed, message('q2', 'a1')).map(({ content }) => content)).toEqual([
      'q1',
      'q2',
    ]);
  });

  it('changes one message and no other', () => {
    const changed = changeMessage(linear, 'a1', (old) => ({ ...old, content: 'new' }));
    expect(changed.messages.map(({ content }) => content)).toEqual(['q1', 'new', 'q2', 'a2']);
    expect(changed.messages[0]).toBe(linear.messages[0]);
  });

  it('survives a choice that is no longer there', () => {
    expect(ids(pathOf({ ...linear, chosen: { root: 'gone', q1: 'q2' } }))).toBe('q1 a1 q2 a2');
  });

  it('takes its title from the first question and keeps one that was given', () => {
    expect(linear.title).toBe('q1');
    const own = { ...newConversation('', 0), title: '', titleIsOwn: true };
    expect(addMessage(own, message('q1', null)).title).toBe('');
    expect(titleFrom('\n## Why is the sky\nblue?')).toBe('Why is the sky');
    expect(titleFrom('字'.repeat(80))).toBe('字'.repeat(59) + '…');
    expect([...titleFrom('😀'.repeat(80))]).toHaveLength(60);
  });

  it('gets a new name each time', () => {
    expect(new Set(Array.from({ length: 100 }, newId)).size).toBe(100);
  });
});
