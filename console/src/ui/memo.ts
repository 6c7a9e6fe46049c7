import { createElement, type Component, type FunctionComponent, type JSX } from 'preact';

// A component that is drawn again only if one of its props is another value.
export function memo<Props extends object>(
  view: (props: Props) => JSX.Element,
): FunctionComponent<Props> {
  function shouldUpdate(this: Component<Props>, next: Readonly<Props>): boolean {
    return differ(this.props, next);
  }
  function Memo(this: Component<Props>, props: Props): JSX.Element {
    this.shouldComponentUpdate = shouldUpdate;
    return createElement(view as FunctionComponent<Props>, props);
  }
  return Memo as unknown as FunctionComponent<Props>;
}

function differ(before: object, after: object): boolean {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].some(
    (key) => (before as Record<string, unknown>)[key] !== (after as Record<string, unknown>)[key],
  );
}
