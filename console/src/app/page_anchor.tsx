import { hashOf, navigate, type Route } from './router';

// A link to another page: it can be opened elsewhere, and otherwise does not load the console
// again.
export function PageAnchor({
  to,
  children,
  ...rest
}: { to: Route } & Omit<preact.JSX.HTMLAttributes<HTMLAnchorElement>, 'href' | 'onClick'>) {
  return (
    <a
      {...rest}
      href={hashOf(to)}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
