/** Every state that a model can reach, breadth first; quiescence.ts finds those in which it comes to rest. */
import { KIND_BITS } from './quiescence.ts';

/** What must never happen, and did. */
export class Violation extends Error {}

/** Something that may happen next in a state of a model. */
export interface Action<State, Kind extends string> {
  label: string;
  kind: Kind;
  /** Changes the copy that it is given. */
  run: (state: State) => void;
}

export interface Transition<State, Kind extends string> extends Pick<Action<State, Kind>, 'label' | 'kind'> {
  /** The state afterwards, or what must not have happened. */
  to: State | Violation;
}

/** What each action makes of a state. `settle`: what is done with each state afterwards; it throws a Violation. */
export function outcomes<State, Kind extends string>(
  state: State,
  actions: readonly Action<State, Kind>[],
  { copyOf, settle }: { copyOf: (state: State) => State; settle: (state: State) => void },
): Transition<State, Kind>[] {
  return actions.map(({ label, kind, run }) => {
    const changed = copyOf(state);
    try {
      run(changed);
      settle(changed);
      return { label, kind, to: changed };
    } catch (error) {
      if (error instanceof Violation) return { label, kind, to: error };
      throw error;
    }
  });
}

export interface Exploration {
  states: number;
  /** The shortest way to something that must not be, or null. */
  violation: { what: string; steps: string[] } | null;
}

interface Model<State, Kind extends string> {
  /** Each with the line by which a story from it begins; '' for none. */
  initial: readonly { state: State; label: string }[];
  /** The same for states that behave alike. */
  keyOf: (state: State) => string;
  transitions: (state: State) => readonly Transition<State, Kind>[];
  /** As what a transition counts where rest is looked for; 0: it does not count. */
  edgeKinds: Readonly<Record<Kind, number>>;
  /** Gets each state once, in the order of their numbers. */
  note: (state: State) => void;
}

interface Reached extends Exploration {
  /** Of each state, as quiescence.ts has them. */
  edges: number[][];
  /** The shortest way to a state. */
  storyOf: (at: number) => string[];
}

/** Ends at the first transition that must not have happened. */
export function reach<State, Kind extends string>(model: Model<State, Kind>): Reached {
  const { initial, keyOf, transitions, edgeKinds, note } = model;
  const seen = new Map<string, number>();
  const parents: number[] = [];
  const labels: string[] = [];
  // The same few labels come again and again, each time as a string of its own.
  const knownLabels = new Map<string, string>();
  const kept = (label: string): string => {
    const known = knownLabels.get(label);
    if (known === undefined) knownLabels.set(label, label);
    return known ?? label;
  };
  const queue: (State | undefined)[] = [];
  const edges: number[][] = [];
  const add = (state: State, parent: number, label: string): number => {
    const key = keyOf(state);
    const known = seen.get(key);
    if (known !== undefined) return known;
    const at = queue.push(state) - 1;
    seen.set(key, at);
    parents.push(parent);
    labels.push(kept(label));
    edges.push([]);
    note(state);
    return at;
  };
  const storyOf = (at: number): string[] =>
    (at < 0 ? [] : [...storyOf(parents[at]!), labels[at]!]).filter((line) => line !== '');
  for (const { state, label } of initial) add(state, -1, label);
  for (let at = 0; at < queue.length; at += 1) {
    const state = queue[at]!;
    queue[at] = undefined;
    for (const { label, kind, to } of transitions(state)) {
      if (to instanceof Violation) {
        const violation = { what: to.message, steps: [...storyOf(at), label] };
        return { states: queue.length, violation, edges, storyOf };
      }
      const next = add(to, at, label);
      const edge = edgeKinds[kind];
      if (next !== at && edge !== 0) edges[at]!.push((next << KIND_BITS) | edge);
    }
  }
  return { states: queue.length, violation: null, edges, storyOf };
}
