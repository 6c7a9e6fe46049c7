// The console's own icons: 20 units wide, drawn with one stroke.

const PATHS = {
  plus: 'M10 4v12M4 10h12',
  close: 'M5 5l10 10M15 5L5 15',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  chevronLeft: 'M12 5l-5 5 5 5',
  chevronRight: 'M8 5l5 5-5 5',
  chevronDown: 'M5 8l5 5 5-5',
  arrowUp: 'M10 16V4.5M4.8 9.5L10 4.3l5.2 5.2',
  arrowDown: 'M10 4v11.5M4.8 10.5L10 15.7l5.2-5.2',
  stop: 'M6 6h8v8H6z',
  copy: 'M7 7V5a1.5 1.5 0 0 1 1.5-1.5H15A1.5 1.5 0 0 1 16.5 5v6.5A1.5 1.5 0 0 1 15 13h-2M5 7h6.5A1.5 1.5 0 0 1 13 8.5V15a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 15V8.5A1.5 1.5 0 0 1 5 7z',
  edit: 'M4.5 15.5l.8-3.2 8.2-8.2 2.4 2.4-8.2 8.2zM11.8 5.8l2.4 2.4',
  again: 'M15.8 9A6 6 0 1 0 14.5 14M16 4.5V9h-4.5',
  trash: 'M4.5 6h11M8 6V4h4v2M6 6l.6 10h6.8L14 6',
  download: 'M10 4v8.5M6.2 9L10 12.8 13.8 9M4.5 16h11',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  sidebar:
    'M5 4h10a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 15 16H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 4zM8 4v12',
  sliders:
    'M3 6h6M13 6h4M3 14h3M10 14h7M11 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM8 12a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  chat: 'M5 4h10a1.5 1.5 0 0 1 1.5 1.5V12a1.5 1.5 0 0 1-1.5 1.5H9.5L6 16.5V13.5H5A1.5 1.5 0 0 1 3.5 12V5.5A1.5 1.5 0 0 1 5 4z',
  model: 'M10 3.5l6 3.2v6.6l-6 3.2-6-3.2V6.7zM4 6.7l6 3.3 6-3.3M10 10v6.5',
  runs: 'M4 16V9.5M8 16V4.5M12 16v-4M16 16V7.5',
  swap: 'M4 7h11M12 4l3 3-3 3M16 13H5M8 10l-3 3 3 3',
  open: 'M11 4h5v5M16 4l-7 7M8 5H5.5A1.5 1.5 0 0 0 4 6.5v8A1.5 1.5 0 0 0 5.5 16h8a1.5 1.5 0 0 0 1.5-1.5V12',
  search: 'M8.8 4a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6zM12.4 12.4L16.5 16.5',
  keyboard:
    'M4.5 5h11A1.5 1.5 0 0 1 17 6.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 13.5v-7A1.5 1.5 0 0 1 4.5 5zM6 8.5h.01M9 8.5h.01M12 8.5h.01M14.3 8.5h.01M7 11.8h6',
  globe:
    'M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM3.5 10h13M10 3.5c4 4.2 4 8.8 0 13M10 3.5c-4 4.2-4 8.8 0 13',
  sun: 'M10 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM10 2.5v1.8M10 15.7v1.8M2.5 10h1.8M15.7 10h1.8M4.7 4.7l1.3 1.3M14 14l1.3 1.3M4.7 15.3L6 14M14 6l1.3-1.3',
  moon: 'M15.8 11.8A6.3 6.3 0 0 1 8.2 4.2a6.3 6.3 0 1 0 7.6 7.6z',
  contrast:
    'M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM10 3.5v13M10 7.5h5.9M10 10.5h6.4M10 13.5h5.3',
  help: 'M7.5 7.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7M10 14.2h.01',
  reset: 'M4.2 9A6 6 0 1 1 5.5 14M4 4.5V9h4.5',
  warning: 'M10 3.8l7 12.4H3zM10 8.5v3.6M10 14.2h.01',
  key: 'M12.5 4a3.5 3.5 0 1 1-3 5.3L4 14.8V17h2.5v-1.8h1.8v-1.8h1.6l1.3-1.6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill={name === 'stop' ? 'currentColor' : 'none'}
      stroke="currentColor"
      stroke-width={name === 'more' ? 2.4 : 1.5}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
