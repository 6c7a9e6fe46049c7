// Pages by the fragment of the address, so that the server needs to know one path only:
//   #/  #/chat/ID  #/model  #/runs  #/runs/ID  #/compare  #/compare/ID/ID
import { signal, type ReadonlySignal } from '@preact/signals';

export type Route =
  | { page: 'chat'; conversation: string | null }
  | { page: 'model' }
  | { page: 'runs' }
  | { page: 'run'; id: string }
  | { page: 'compare'; a: string; b: string }; // '': not chosen yet

export function parseRoute(hash: string): Route {
  const [, page = '', id = '', other = ''] = hash.replace(/^#/, '').split('/');
  if (page === 'model') return { page: 'model' };
  if (page === 'runs') return id ? { page: 'run', id: decoded(id) } : { page: 'runs' };
  if (page === 'compare') return { page: 'compare', a: decoded(id), b: decoded(other) };
  return { page: 'chat', conversation: page === 'chat' && /^[\w-]{1,64}$/.test(id) ? id : null };
}

export function hashOf(route: Route): string {
  switch (route.page) {
    case 'model':
    case 'runs':
      return `#/${route.page}`;
    case 'run':
      return `#/runs/${encodeURIComponent(route.id)}`;
    case 'compare':
      return `#/compare/${encodeURIComponent(route.a)}/${encodeURIComponent(route.b)}`.replace(
        /\/+$/,
        '',
      );
    case 'chat':
      return route.conversation ? `#/chat/${route.conversation}` : '#/';
  }
}

// A broken escape stays as it is: then there is no such run.
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const current = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

export const route: ReadonlySignal<Route> = current;

export function navigate(to: Route, how: 'push' | 'replace' = 'push'): void {
  const hash = hashOf(to);
  if (hash !== (location.hash || '#/')) {
    if (how === 'push') history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
  }
  current.value = to;
}

export function followAddress(): void {
  window.addEventListener('popstate', () => {
    current.value = parseRoute(location.hash);
  });
}
