import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icon';
import { IconButton } from './icon_button';

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  checked?: boolean; // undefined: not a choice
  lang?: string;
  onSelect: () => void;
}

export interface MenuProps {
  label: string;
  icon: IconName;
  items: MenuItem[];
  class?: string;
}

// A button with a menu, as the ARIA practices describe it: arrows, Home, End and first
// letters move, Escape and Tab close.
export function Menu({ label, icon, items, class: className }: MenuProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    if (open && button.current && list.current) place(list.current, button.current);
  }, [open]);

  useEffect(() => {
    if (!open) return;
    const menuItems = itemsOf(list.current);
    (
      menuItems.find((item) => item.getAttribute('aria-checked') === 'true') ?? menuItems[0]
    )?.focus();
    const close = (event: Event) => {
      if (!(event.target instanceof Node) || !list.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', close, true);
    window.addEventListener('resize', close);
    return () => {
      document.removeEventListener('pointerdown', close, true);
      window.removeEventListener('resize', close);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const all = itemsOf(list.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => all[(index + all.length) % all.length]?.focus();
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(-1);
        break;
      case 'Escape':
        close();
        break;
      case 'Tab':
        setOpen(false);
        return;
      default:
        if (event.key.length !== 1 || event.key === ' ') return;
        startingWith(all, at, event.key)?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <span class={`menu-anchor ${className ?? ''}`}>
      <IconButton
        icon={icon}
        label={label}
        expanded={open}
        buttonRef={button}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(!open);
        }}
      />
      {open && (
        <div class="menu" role="menu" aria-label={label} ref={list} onKeyDown={onKeyDown}>
          {items.map((item) => (
            <button
              type="button"
              key={item.label}
              role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
              aria-checked={item.checked}
              lang={item.lang}
              tabIndex={-1}
              class={item.danger ? 'danger' : ''}
              onClick={() => {
                close();
                item.onSelect();
              }}
            >
              {item.icon && <Icon name={item.icon} size={16} />}
              {item.label}
              {item.checked && (
                <span class="menu-check">
                  <Icon name="check" size={16} />
                </span>
              )}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}

function itemsOf(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])];
}

function startingWith(
  items: HTMLElement[],
  after: number,
  letter: string,
): HTMLElement | undefined {
  const rotated = [...items.slice(after + 1), ...items.slice(0, after + 1)];
  return rotated.find((item) =>
    item.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()),
  );
}

// Below the button, or above it where there is no room; always within the window.
function place(menu: HTMLElement, button: HTMLElement): void {
  const anchor = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + 4;
  const top = below + height > window.innerHeight - 8 ? anchor.top - height - 4 : below;
  const left = Math.min(anchor.left, window.innerWidth - width - 8);
  menu.style.top = `${Math.max(8, top)}px`;
  menu.style.left = `${Math.max(8, left)}px`;
}
