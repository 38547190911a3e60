/** A VM's timeline as things to draw. */
import type { components } from '../../../client/api-types.ts';
import type { Step } from '../../parts/steps.ts';

type Entry = components['schemas']['TimelineEntry'];

/** A time in one state; epoch ms. */
export interface Phase {
  state: Entry['state'];
  from: number;
  to: number;
}

/** The states one after the other, the last one until `to`. */
export function phasesOf(events: readonly Entry[], to: number): Phase[] {
  const phases: Phase[] = [];
  for (const { at, state } of events) {
    const from = Date.parse(at);
    const last = phases.at(-1);
    if (last?.state === state) continue;
    if (last !== undefined) last.to = from;
    phases.push({ state, from, to });
  }
  // A clock of a worker may be ahead of the browser's.
  return phases.map((phase) => ({ ...phase, to: Math.max(phase.from, phase.to) }));
}

/** How many used it, from the moment it was ready: its entries say it in words that begin with the number. */
export function connectionSteps(events: readonly Entry[]): Step[] {
  const ready = events.find(({ state }) => state === 'running');
  const first = ready === undefined ? [] : [{ at: Date.parse(ready.at), value: 0 }];
  const counted = events.flatMap(({ at, kind, detail }) => {
    const count = kind === 'connections' ? /^\d+/.exec(detail ?? '')?.[0] : undefined;
    return count === undefined ? [] : [{ at: Date.parse(at), value: Number(count) }];
  });
  return [...first, ...counted];
}
