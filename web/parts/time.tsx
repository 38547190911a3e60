/** Times as people read them; the exact one is in the title. */
import { useSyncExternalStore } from 'react';
import { durationText } from './duration.ts';

const TICK_MS = 1000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, once a second, from one clock for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      timer ??= setInterval(() => {
        now = Date.now();
        for (const each of listeners) each();
      }, TICK_MS);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    () => now,
  );
}

/** How long ago it was, or is until then: `5 min`, `in 2 h`. */
export function Ago({ at, suffix = '' }: { at: string | undefined; suffix?: string }) {
  const time = useNow();
  if (at === undefined) return <span aria-label="none">–</span>;
  const left = Date.parse(at) - time;
  const text = left > 0 ? `in ${durationText(left)}` : `${durationText(-left)}${suffix}`;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {text}
    </time>
  );
}
