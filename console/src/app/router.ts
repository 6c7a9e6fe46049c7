// Pages by the fragment of the address, so that the server needs to know one path only:
//   #/  #/chat/ID  #/model
import { signal, type ReadonlySignal } from '@preact/signals';

export type Route = { page: 'chat'; conversation: string | null } | { page: 'model' };

export function parseRoute(hash: string): Route {
  const [, page = '', id = ''] = hash.replace(/^#/, '').split('/');
  if (page === 'model') return { page: 'model' };
  return { page: 'chat', conversation: page === 'chat' && /^[\w-]{1,64}$/.test(id) ? id : null };
}

export function hashOf(route: Route): string {
  if (route.page === 'model') return '#/model';
  return route.conversation ? `#/chat/${route.conversation}` : '#/';
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
