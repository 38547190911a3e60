/** Everything that may happen next in a state of the handover model. */
import { outcomes, Violation, type Action as AnyAction, type Transition } from '../exploration.ts';
import type { Rules, Budget } from './rules.ts';
import { check, deliver, destroy, forget, isVmClosed, isWarmClosed, startVm, tellVm, tellWarm } from './parties.ts';
import { BOTH, copyOf, indexOf, MACHINE_ID, type Attempt, type Index, type Message, type State } from './state.ts';

/** `step`: the parties do their work, and time passes; `choice`: somebody asks, or a fault happens. */
export type ActionKind = 'step' | 'choice';
type Action = AnyAction<State, ActionKind>;

/** Every state that may follow; some are the same. */
export function transitions(state: State, rules: Rules): Transition<State, ActionKind>[] {
  return outcomes(state, actions(state, rules), { copyOf, settle });
}

function settle(state: State): void {
  forget(state);
  check(state);
}

function actions(state: State, rules: Rules): Action[] {
  return [
    ...BOTH.flatMap((of) => [...requestSteps(state, of, rules), ...vmSteps(state, of, rules)]),
    ...warmSteps(state, rules),
    ...hostSteps(state, rules),
    ...messageSteps(state, rules),
    ...choice(state, 'poolCrashes', 'the pool is terminated and starts anew', (changed) => {
      changed.pool = { ready: [], grants: [] };
    }),
    ...choice(state, 'poolCrashes', 'the pool is reset to its start', (changed) => {
      changed.pool = { ready: [MACHINE_ID], grants: [] };
    }),
  ];
}

function step(label: string, run: Action['run']): Action[] {
  return [{ label, kind: 'step', run }];
}

function choice(state: State, spends: keyof Budget, label: string, run: Action['run']): Action[] {
  if (state.left[spends] === 0) return [];
  const spend: Action['run'] = (changed) => {
    changed.left[spends] -= 1;
    run(changed);
  };
  return [{ label, kind: 'choice', run: spend }];
}

function requestSteps(state: State, of: Index, rules: Rules): Action[] {
  const claim: Action['run'] = (changed) => {
    changed.requests[of] = 'claiming';
    changed.messages.push({ kind: 'claim', of });
  };
  switch (state.requests[of]) {
    case 'new':
      return step(`the API claims for v${of}`, claim);
    case 'died':
      return [{ label: `the client of v${of} asks again`, kind: 'choice', run: claim }];
    case 'claiming':
      return [
        ...(rules.apiFallsBack
          ? step(`the API waits no longer for the pool, and starts v${of}`, (changed) => startVm(changed, of, null))
          : []),
        ...choice(state, 'apiCrashes', `the replica that claims for v${of} dies`, (changed) => {
          changed.requests[of] = 'died';
        }),
      ];
    case 'answered':
      return [];
  }
}

function vmSteps(state: State, of: Index, rules: Rules): Action[] {
  const vm = state.vms[of];
  if (vm === null || vm.life === 'closed') return [];
  const crash = leftBehind(state, of, 'vmCrashes', `v${of} is terminated`, (changed) => {
    changed.vms[of]!.life = 'closed';
  });
  if (vm.life === 'ending') return [...crash, ...step(`v${of} ends`, (changed) => endVm(changed, of, rules))];
  const { adoption, serves } = vm;
  const remove = leftBehind(state, of, 'deletes', `a client deletes v${of}`, (changed) => {
    changed.vms[of]!.life = 'ending';
    tellVm(changed, of, { kind: 'ended' }, rules);
  });
  const own = (adoption === null || adoption.name === 'returned') && serves === 'no';
  return [
    ...crash,
    ...remove,
    ...(own ? step(`v${of} makes a machine of its own`, (changed) => void (changed.vms[of]!.serves = 'own')) : []),
    ...(adoption?.name === 'asking'
      ? step(`v${of} waits no longer for an offer`, (changed) => tellVm(changed, of, { kind: 'timeOver' }, rules))
      : []),
    ...(adoption?.name === 'taking' ? takingSteps(state, of, rules) : []),
    ...(adoption?.name === 'taken' && serves === 'no'
      ? step(`the machine is told that it is v${of}`, (changed) => assign(changed, of))
      : []),
  ];
}

/** Nobody hears any more of what a worker does for this VM; perhaps it has begun, and goes on. */
function leftBehind(state: State, of: Index, spends: keyof Budget, label: string, run: Action['run']): Action[] {
  const alone = choice(state, spends, label, (changed) => {
    changed.attempts = changed.attempts.filter((attempt) => attempt.of !== of || attempt.givenUp);
    run(changed);
  });
  if (state.vms[of]?.adoption?.name !== 'taking' || state.attempts.some((attempt) => attempt.of === of)) return alone;
  return [
    ...alone,
    ...choice(state, spends, `${label}, which its host does not know`, (changed) => {
      changed.attempts.push({ of, step: 'begun', givenUp: true });
      run(changed);
    }),
  ];
}

function endVm(state: State, of: Index, { vmDestroysWhatItTakes }: Rules): void {
  const vm = state.vms[of]!;
  const { adoption } = vm;
  const itsOwn = adoption !== null && 'machine' in adoption && adoption.machine !== null;
  vm.life = 'closed';
  if (itsOwn && vmDestroysWhatItTakes) destroy(state, `v${of}`);
}

function takingSteps(state: State, of: Index, rules: Rules): Action[] {
  const isUnderway = state.attempts.some((attempt) => attempt.of === of && !attempt.givenUp);
  return [
    ...(isUnderway
      ? []
      : write(state, { of, step: 'begun', givenUp: false }, rules, `the host gives the machine to v${of}`)),
    ...leftBehind(state, of, 'givenUp', `v${of} gives up its host`, (changed) => {
      tellVm(changed, of, { kind: 'notPlaced', why: 'no answer' }, rules);
    }),
  ];
}

function assign(state: State, of: Index): void {
  const { machine } = state;
  if (machine?.owner !== of) throw new Violation(`v${of} is told to a machine that is not its own`);
  if (machine.assigned !== null && machine.assigned !== of) throw new Violation('a machine is told to be two VMs');
  machine.assigned = of;
  state.vms[of]!.serves = 'warm';
}

function warmSteps(state: State, rules: Rules): Action[] {
  if (isWarmClosed(state)) return [];
  const { warm, messages } = state;
  const found = [
    ...choice(state, 'warmCrashes', 'the warm workflow is terminated', (changed) => void (changed.terminated = true)),
    ...choice(state, 'retires', 'the pool wants the machine no more', (changed) =>
      tellWarm(changed, { kind: 'retired' }, rules),
    ),
    ...choice(state, 'retires', 'the host of the machine takes no creates any more', (changed) =>
      tellWarm(changed, { kind: 'evicted', until: 0 }, rules),
    ),
  ];
  if (warm.name === 'ready' || warm.name === 'granted')
    found.push(
      ...step('the warm machine waits no longer', (changed) => tellWarm(changed, { kind: 'timeOver' }, rules)),
    );
  if (warm.name === 'destroying')
    found.push(
      ...step('the warm workflow destroys its machine', (changed) => {
        const isIts = changed.machine?.owner === 'warm' || warm.why === 'returned' || !rules.destroysOnlyItsOwn;
        if (isIts) destroy(changed, 'the warm workflow');
        tellWarm(changed, { kind: 'seenGone' }, rules);
      }),
    );
  const of = warm.name === 'offered' ? indexOf(warm.to) : null;
  const isTalking = messages.some(({ kind }) => kind === 'offered' || kind === 'taken' || kind === 'returned');
  if (of !== null && rules.offersAgain && !isTalking)
    found.push(...step('the offer is made again', (changed) => changed.messages.push({ kind: 'offered', of })));
  return found;
}

function hostSteps(state: State, rules: Rules): Action[] {
  const { machine, sweeping } = state;
  const found = state.attempts.flatMap((attempt, at) => attemptSteps(state, attempt, at, rules));
  if (machine !== null && rules.sweeps)
    found.push(...step('a sweep looks', (changed) => judge(changed, machine.owner, rules)));
  if (state.attempts.length > 0)
    found.push(
      ...choice(state, 'hostCrashes', 'the worker of the host dies', (changed) => void (changed.attempts = [])),
    );
  if (sweeping !== null)
    found.push(
      ...step('the sweep that looked before judges', (changed) => {
        changed.sweeping = null;
        judge(changed, sweeping, rules);
      }),
    );
  return found;
}

function attemptSteps(state: State, attempt: Attempt, at: number, rules: Rules): Action[] {
  const { of, step: done, givenUp } = attempt;
  const drop = (changed: State): void => void changed.attempts.splice(at, 1);
  if (givenUp) return write(state, attempt, rules, `the host gives the machine to v${of}, which nobody hears`);
  return [
    ...step(`the host says "${done}" to v${of}`, (changed) => {
      drop(changed);
      tellVm(changed, of, done === 'written' ? { kind: 'placed' } : { kind: 'notPlaced', why: 'refused' }, rules);
    }),
    ...choice(state, 'lost', `the host says "${done}" to v${of}, which is lost`, drop),
  ];
}

/** The owner of the machine changes; perhaps a sweep has just read who it was before. */
function write(state: State, { of, givenUp }: Attempt, { hostChecksOwner, sweeps }: Rules, label: string): Action[] {
  const { machine } = state;
  const mayHaveIt = machine !== null && (machine.owner === 'warm' || machine.owner === of || !hostChecksOwner);
  const run = (changed: State): void => {
    if (givenUp) changed.attempts = changed.attempts.filter((one) => one.of !== of || !one.givenUp);
    else changed.attempts.push({ of, step: mayHaveIt ? 'written' : 'refused', givenUp });
    if (mayHaveIt && changed.machine !== null) changed.machine.owner = of;
  };
  if (!mayHaveIt || machine.owner === of || !sweeps) return step(label, run);
  return [
    ...step(label, run),
    ...step(`${label}, just after a sweep looked`, (changed) => {
      changed.sweeping = machine.owner;
      run(changed);
    }),
  ];
}

/** `sweeping`: the owner that the sweep has read. */
function judge(state: State, sweeping: 'warm' | Index, { sweepLooksAgain, sweepsMovedOn }: Rules): void {
  const { machine } = state;
  if (machine === null) return;
  const isClosed = sweeping === 'warm' ? isWarmClosed(state) : isVmClosed(state, sweeping);
  const vm = sweeping === 'warm' ? null : state.vms[sweeping];
  const hasMovedOn = vm?.life === 'runs' && (vm.adoption === null || vm.adoption.name === 'returned');
  if (!isClosed && !(hasMovedOn && sweepsMovedOn)) return;
  if (sweepLooksAgain && machine.owner !== sweeping) return;
  destroy(state, 'a sweep');
}

function messageSteps(state: State, rules: Rules): Action[] {
  return state.messages.flatMap((message, at) => {
    const what = nameOf(message);
    return [
      ...step(`${what} arrives`, (changed) => deliver(changed, changed.messages.splice(at, 1)[0]!, rules)),
      ...choice(state, 'repeated', `${what} arrives, and will again`, (changed) => deliver(changed, message, rules)),
      ...choice(state, 'lost', `${what} is lost`, (changed) => void changed.messages.splice(at, 1)),
    ];
  });
}

function nameOf(message: Message): string {
  return `"${message.kind}"${message.kind === 'grant' && message.machineId === null ? ' of nothing' : ''} of v${message.of}`;
}
