import type { Ref } from 'preact';
import { Icon, type IconName } from './icon';

export interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick?: (event: MouseEvent) => void;
  disabled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  controls?: string;
  class?: string;
  size?: number;
  buttonRef?: Ref<HTMLButtonElement>;
}

// A button that shows an icon and says its label.
export function IconButton(props: IconButtonProps) {
  return (
    <button
      type="button"
      ref={props.buttonRef}
      class={`icon-button ${props.class ?? ''}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-controls={props.controls}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={props.size ?? 18} />
    </button>
  );
}
