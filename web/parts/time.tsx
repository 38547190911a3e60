/** Times as people read them; the exact one is in the title. */
import { useSyncExternalStore } from 'react';
import { durationText } from './duration.ts';

const TICK_MS = 1000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, once a second, from one clock for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, readNow);
}

function readNow(): number {
  return now;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Nobody looked for a while.
  if (timer === undefined) now = Date.now();
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
}

/** How long ago it was: `5 min`. A clock that is ahead of this one's makes no future of it. */
export function Ago({ at, suffix = '' }: { at: string | undefined; suffix?: string }) {
  const time = useNow();
  if (at === undefined) return <span aria-label="none">–</span>;
  const text = `${durationText(Math.max(0, time - Date.parse(at)))}${suffix}`;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {text}
    </time>
  );
}

/** How long it is until then: `in 2 h`; and what came since. */
export function Until({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {left > 0 ? `in ${durationText(left)}` : `${durationText(-left)} ago`}
    </time>
  );
}
