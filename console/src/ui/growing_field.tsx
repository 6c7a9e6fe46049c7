import type { JSX, Ref } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface GrowingFieldProps {
  value: string;
  label: string;
  placeholder?: string;
  class?: string;
  heightMax: number; // pixels; then it scrolls
  fieldRef?: Ref<HTMLTextAreaElement>;
  id?: string;
  describedBy?: string;
  onInput: (value: string) => void;
  onKeyDown?: (event: KeyboardEvent) => void;
}

// A text area as high as its text.
export function GrowingField(props: GrowingFieldProps) {
  const own = useRef<HTMLTextAreaElement | null>(null);
  const { value, heightMax, fieldRef } = props;

  useLayoutEffect(() => {
    const field = own.current;
    if (!field) return;
    field.style.height = 'auto';
    const wanted = field.scrollHeight + field.offsetHeight - field.clientHeight;
    field.style.height = `${Math.min(wanted, heightMax)}px`;
    field.style.overflowY = wanted > heightMax ? 'auto' : 'hidden';
  }, [value, heightMax]);

  const onInput: JSX.GenericEventHandler<HTMLTextAreaElement> = (event) =>
    props.onInput(event.currentTarget.value);

  return (
    <textarea
      ref={(field) => {
        own.current = field;
        if (typeof fieldRef === 'function') fieldRef(field);
        else if (fieldRef) fieldRef.current = field;
      }}
      id={props.id}
      class={props.class}
      rows={1}
      value={value}
      placeholder={props.placeholder}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      onInput={onInput}
      onKeyDown={props.onKeyDown}
    />
  );
}

// Does this key press mean "send"? Not while an input method is composing: its Enter
// only chooses a word (Safari says so by key code 229 alone).
export function isSendKey(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' || event.shiftKey || event.altKey) return false;
  return !event.isComposing && event.keyCode !== 229;
}
