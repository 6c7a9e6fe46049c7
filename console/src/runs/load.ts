// Loads what a page shows, and loads it again while it may change.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { failureOf, type Failure } from '../api/failure';

export interface Loaded<T> {
  value?: T;
  failure?: Failure; // of the last attempt; the value may be of one before
  reload: () => void;
}

// `load` runs when `key` changes, and again after the time that `again` gives for what was
// found (undefined: not again). Nothing is loaded while the tab is hidden.
export function useLoaded<T>(
  key: string,
  load: () => Promise<T>,
  again: (found: T | undefined) => number | undefined = () => undefined,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; failure?: Failure }>({ key });
  const [attempt, setAttempt] = useState(0);
  const latest = useRef({ load, again });
  latest.current = { load, again };
  const reload = useCallback(() => setAttempt((count) => count + 1), []);

  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (ms: number | undefined) => {
      if (ms !== undefined && !isOver) timer = setTimeout(look, ms);
    };
    const look = () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', look, { once: true });
        return;
      }
      latest.current.load().then(
        (value) => {
          if (isOver) return;
          setState({ key, value });
          wait(latest.current.again(value));
        },
        (error: unknown) => {
          if (isOver) return;
          setState((before) => ({
            key,
            failure: failureOf(error),
            ...(before.key === key && before.value !== undefined ? { value: before.value } : {}),
          }));
          wait(latest.current.again(undefined));
        },
      );
    };
    look();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [key, attempt]);

  // What belongs to another key is never shown.
  const { value, failure } = state.key === key ? state : { value: undefined, failure: undefined };
  return {
    reload,
    ...(value === undefined ? {} : { value }),
    ...(failure === undefined ? {} : { failure }),
  };
}
