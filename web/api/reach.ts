/** Whether the API was in reach when it was asked last. */
import { useSyncExternalStore } from 'react';

/** Answers of a proxy that has no API behind it. */
const NOBODY_THERE = [502, 504];

let isInReach = true;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function note(now: boolean): void {
  if (now === isInReach) return;
  isInReach = now;
  for (const listener of listeners) listener();
}

export function noteSilence(): void {
  note(false);
}

export function noteAnswer(status: number): void {
  note(!NOBODY_THERE.includes(status));
}

export function useInReach(): boolean {
  return useSyncExternalStore(subscribe, () => isInReach);
}
