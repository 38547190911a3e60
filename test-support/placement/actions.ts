/** Everything that may happen next in a state of the placement model. */
import { outcomes, Violation, type Action as AnyAction, type Transition } from '../exploration.ts';
import { attemptSteps, findsSomething, sweep, takes, type HostStep } from './host.ts';
import { beginLife, deliver, fence, isClosed, isReachable, record, release, standsStill, tick } from './server.ts';
import type { Budget, Rules } from './rules.ts';
import { copyOf, forget, hostKey, HOSTS, type HostIndex, type State } from './state.ts';

/** `step`: the parts do their work; `return`: what was away comes back; `choice`: somebody asks, or a fault happens. */
export type ActionKind = 'step' | 'return' | 'choice';
type Action = AnyAction<State, ActionKind>;

/** Every state that may follow. What changes nothing is left out by the caller, which knows the states by their key. */
export function transitions(state: State, rules: Rules): Transition<State, ActionKind>[] {
  return outcomes(state, actions(state, rules), { copyOf, settle });
}

function settle(state: State): void {
  forget(state);
  check(state);
}

/** What must hold in every state. */
function check({ vm, hosts, seenGone }: State): void {
  let serving = 0;
  for (const { worker, paused, machines } of hosts) {
    for (const { machine, state } of machines) {
      if (state === 'admits' && worker !== 'off' && paused !== 'all') serving += 1;
      if (seenGone.includes(machine)) throw new Violation(`m-${machine} is there after it was seen gone`);
    }
  }
  if (serving > 1) throw new Violation('two machines serve');
  if (vm?.state.name === 'failed' && vm.state.reason === 'createFailed')
    throw new Violation('a create failed for good because of its own undo');
}

function actions(state: State, rules: Rules): Action[] {
  const hosts = areAlike(state) ? ([0] as const) : HOSTS;
  return [
    ...people(state, rules),
    ...serverSteps(state, rules),
    ...hosts.flatMap((host) => [
      ...hostSteps(state, host, rules),
      ...faults(state, host),
      ...returns(state, host, rules),
    ]),
  ];
}

/** While nothing tells the hosts apart, what one may do stands for what the other may. */
function areAlike(state: State): boolean {
  const isFree = state.place === null && !state.task?.started && state.messages.length === 0;
  return isFree && (state.task?.takenBy ?? null) === null && hostKey(state, 0) === hostKey(state, 1);
}

function people({ vm, left }: State, rules: Rules): Action[] {
  const found: Action[] = [];
  if (isClosed(vm) && left.lives > 0)
    found.push({ label: 'a client creates the VM', kind: 'choice', run: (state) => beginLife(state, rules) });
  if (!isClosed(vm) && left.deletes > 0)
    found.push(
      choice('a client deletes the VM', 'deletes', (state) => record(state, { kind: 'destroyRequested' }, rules)),
    );
  return found;
}

function choice(label: string, spends: keyof Budget, run: Action['run']): Action {
  const spend: Action['run'] = (state) => {
    state.left[spends] -= 1;
    run(state);
  };
  return { label, kind: 'choice', run: spend };
}

function serverSteps(state: State, rules: Rules): Action[] {
  const { messages, registry, left, hosts } = state;
  const found: Action[] = [];
  if (!standsStill(state, rules))
    found.push({ label: 'time passes', kind: 'step', run: (changed) => tick(changed, null, rules) });
  messages.forEach(({ kind, machine, host, outcome }, at) => {
    const what = `"${outcome}" of host ${host} for the ${kind} of m-${machine}`;
    const run: Action['run'] = (changed) => deliver(changed, changed.messages.splice(at, 1)[0]!, rules);
    found.push({ label: `${what} arrives`, kind: 'step', run });
  });
  for (const host of HOSTS) {
    const isQuiet = left.lost > 0 && hosts[host].leaseAge === 0;
    if (isQuiet)
      found.push(
        choice(`time passes, and host ${host} hears no answer`, 'lost', (changed) => tick(changed, host, rules)),
      );
    if (!registry[host].releasePending) continue;
    const label = `the VMs of host ${host} are released`;
    found.push({ label, kind: 'step', run: (changed) => release(changed, host, rules) });
  }
  return found;
}

function hostSteps(state: State, host: HostIndex, rules: Rules): Action[] {
  const all = [...takes(state, host, rules), ...attemptSteps(state, host, rules)];
  const steps = all.filter(({ spends }) => spends === undefined || state.left[spends] > 0);
  return [...steps.map(budgeted), ...leaseSteps(state, host, rules)];
}

function budgeted({ label, spends, run }: HostStep): Action {
  return spends === undefined ? { label, kind: 'step', run } : choice(label, spends, run);
}

/** How a worker comes back to its lease: it hears that it has none, reconciles, and tells the registry. */
function leaseSteps(state: State, host: HostIndex, rules: Rules): Action[] {
  if (!isReachable(state, host)) return [];
  const { mode } = state.hosts[host];
  const entry = state.registry[host];
  const found: Action[] = [];
  const step = (label: string, run: Action['run']): number =>
    found.push({ label: `host ${host} ${label}`, kind: 'step', run });
  if (mode === 'polls' && entry.state !== 'ready')
    step('hears that its lease is over', (changed) => void (changed.hosts[host].mode = 'starting'));
  if (mode === 'starting' && rules.reconcilesFirst)
    step('reconciles', (changed) => {
      sweep(changed, host, rules);
      changed.registry[host].owesReconcile = false;
      changed.hosts[host].mode = 'reconciled';
    });
  const isClean = mode === 'reconciled' || (mode === 'starting' && !rules.reconcilesFirst);
  if (isClean) step('is ready again', (changed) => join(changed, host, rules));
  if (mode === 'polls' && findsSomething(state, host, rules)) step('sweeps', (changed) => sweep(changed, host, rules));
  return found;
}

function join(state: State, host: HostIndex, { reconcilesFirst, returnEndsRelease }: Rules): void {
  const releasePending = state.registry[host].releasePending && !returnEndsRelease;
  const owesReconcile = !reconcilesFirst;
  state.registry[host] = { state: 'ready', silentFor: 0, awayFor: 0, releasePending, owesReconcile };
  state.hosts[host].mode = 'polls';
  state.hosts[host].leaseAge = 0;
}

function faults(state: State, host: HostIndex): Action[] {
  const { worker, paused, cut } = state.hosts[host];
  const { crashes, pauses, partitions, lives } = state.left;
  // Before the first life and after the last one there is nothing to harm.
  if (state.vm === null || (isClosed(state.vm) && lives === 0)) return [];
  const found: Action[] = [];
  const fault = (label: string, spends: keyof Budget, run: Action['run']): number =>
    found.push(choice(label, spends, run));
  const isUp = worker === 'up' && paused === 'no';
  if (isUp && crashes > 0) {
    fault(`the worker of host ${host} is killed`, 'crashes', (changed) => stop(changed, host, 'killed'));
    fault(`the power of host ${host} is cut`, 'crashes', (changed) => stop(changed, host, 'off'));
  }
  if (isUp && pauses > 0) {
    fault(`the worker of host ${host} is paused`, 'pauses', (changed) => void (changed.hosts[host].paused = 'worker'));
    fault(`all of host ${host} is paused`, 'pauses', (changed) => void (changed.hosts[host].paused = 'all'));
  }
  if (!cut && partitions > 0)
    fault(`host ${host} is cut off`, 'partitions', (changed) => void (changed.hosts[host].cut = true));
  return found;
}

function stop(state: State, index: HostIndex, worker: 'killed' | 'off'): void {
  const host = state.hosts[index];
  host.worker = worker;
  host.executions = [];
  if (worker === 'off') host.machines = [];
}

function returns(state: State, index: HostIndex, rules: Rules): Action[] {
  const { worker, paused, cut } = state.hosts[index];
  const found: Action[] = [];
  const back = (label: string, run: Action['run']): number => found.push({ label, kind: 'return', run });
  if (worker !== 'up')
    back(`host ${index} starts again`, (changed) => {
      changed.hosts[index].worker = 'up';
      changed.hosts[index].mode = 'starting';
      changed.registry[index].owesReconcile = true;
    });
  if (paused !== 'no')
    back(`host ${index} goes on`, (changed) => {
      changed.hosts[index].paused = 'no';
      // The fence goes on with the machines, and looks more often than the model's clock ticks.
      fence(changed, index, rules);
    });
  if (cut) back(`host ${index} is reached again`, (changed) => void (changed.hosts[index].cut = false));
  return found;
}
