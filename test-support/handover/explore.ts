/** Every state that the handover of one warm machine can reach, breadth first, and whether all is well where it rests. */
import { reach, type Exploration } from '../exploration.ts';
import { bottoms, STEP } from '../quiescence.ts';
import { transitions, type ActionKind } from './actions.ts';
import { isWarmClosed } from './parties.ts';
import type { Budget, Rules } from './rules.ts';
import { BOTH, initialState, keyOf, type Index, type State } from './state.ts';

export function explore(budget: Budget, rules: Rules): Exploration {
  const wrong: (string | null)[] = [];
  const { states, violation, edges, storyOf } = reach<State, ActionKind>({
    initial: [{ state: initialState(budget), label: '' }],
    keyOf,
    transitions: (state) => transitions(state, rules),
    edgeKinds: { step: STEP, choice: 0 },
    note: (state) => void wrong.push(whatIsWrong(state)),
  });
  if (violation !== null) return { states, violation };
  const bad = bottoms(edges, STEP)
    .flatMap((rest) => rest.filter((at) => wrong[at] !== null))
    .reduce((first, at) => Math.min(first, at), Infinity);
  return { states, violation: bad === Infinity ? null : { what: wrong[bad]!, steps: storyOf(bad) } };
}

/** What is left to do in a state, which is wrong where nothing more happens. */
function whatIsWrong(state: State): string | null {
  const { machine, requests, vms } = state;
  if (requests.some((request) => request !== 'answered' && request !== 'died')) return 'a claim is never answered';
  if (BOTH.some((of) => vms[of] !== null && vms[of].life !== 'closed' && !isServing(state, of)))
    return 'a VM never gets a machine';
  if (!isWarmClosed(state)) return 'the warm workflow never ends';
  const user = machine === null || machine.owner === 'warm' ? null : vms[machine.owner];
  if (machine !== null && !(user?.life === 'runs' && user.serves === 'warm')) return 'a machine is left';
  return null;
}

function isServing({ vms }: State, of: Index): boolean {
  const vm = vms[of];
  return vm?.life === 'runs' && vm.serves !== 'no';
}
