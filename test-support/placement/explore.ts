/** Every state that the placement protocol can reach, breadth first, and whether all goes well where everything quiesces. */
import { reach, type Exploration } from '../exploration.ts';
import { bottoms, RETURN, STEP } from '../quiescence.ts';
import { transitions, type ActionKind } from './actions.ts';
import { isClosed, isReachable } from './server.ts';
import type { Budget, Rules } from './rules.ts';
import { currentMachine, HOSTS, initialState, keyOf, type State } from './state.ts';

/** Where steps and returns lead, and which states are as everything should end. */
interface Graph {
  edges: number[][];
  /** Nothing is wrong if hosts that are away stay away. */
  goodAway: boolean[];
  /** Nothing is wrong once all are back. */
  goodBack: boolean[];
}

export function explore(budget: Budget, rules: Rules): Exploration {
  const [goodAway, goodBack]: [boolean[], boolean[]] = [[], []];
  const { states, violation, edges, storyOf } = reach<State, ActionKind>({
    initial: [true, false].map((recreates) => ({
      state: initialState(budget, recreates),
      label: `onLost: ${recreates ? 'recreate' : 'destroy'}`,
    })),
    keyOf,
    transitions: (state) => transitions(state, rules),
    edgeKinds: { step: STEP, return: RETURN, choice: 0 },
    note: (state) => {
      goodAway.push(isWell(state) || !HOSTS.some((host) => isReachable(state, host)));
      goodBack.push(isWell(state) && isClean(state));
    },
  });
  if (violation !== null) return { states, violation };
  const bad = quiescentBad({ edges, goodAway, goodBack });
  return { states, violation: bad === null ? null : { what: bad.what, steps: storyOf(bad.at) } };
}

/** The VM has ended, or its one machine serves where the workflow knows it. */
function isWell(state: State): boolean {
  const { vm, task, place } = state;
  if (isClosed(vm)) return task === null;
  if (vm?.state.name !== 'running' || place === null) return false;
  const machine = currentMachine(state);
  const { worker, paused, machines } = state.hosts[place];
  return (
    worker !== 'off' && paused !== 'all' && machines.some((one) => one.machine === machine && one.state === 'admits')
  );
}

/** No machine is left but the one that the VM has. */
function isClean(state: State): boolean {
  const machine = isClosed(state.vm) ? null : currentMachine(state);
  return HOSTS.every((host) =>
    state.hosts[host].machines.every((one) => one.machine === machine && state.place === host),
  );
}

/** A state in which everything has quiesced, with or without the return of hosts, and something is wrong. */
function quiescentBad({ edges, goodAway, goodBack }: Graph): { at: number; what: string } | null {
  const away = bottoms(edges, STEP).find((states) => !states.every((at) => goodAway[at]!));
  if (away !== undefined)
    return {
      at: Math.min(...away),
      what: 'a VM neither serves nor ends, and nothing more happens while a host is away',
    };
  const back = bottoms(edges, STEP | RETURN).find((states) => !states.every((at) => goodBack[at]!));
  if (back !== undefined)
    return { at: Math.min(...back), what: 'a machine is left or a VM neither serves nor ends, with all hosts back' };
  return null;
}
