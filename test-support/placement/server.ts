/** The server's side of the placement model: a VM's workflow by the real rule, its activity, the registry, the clock. */
import type { VmEvent } from '../../domain/vm/events.ts';
import { next } from '../../domain/vm/next.ts';
import { hasEnded, newVm, type Vm } from '../../domain/vm/state.ts';
import { Violation } from '../exploration.ts';
import { START, specOf } from '../vm/vm-life.ts';
import type { Rules } from './rules.ts';
import {
  currentMachine,
  HOSTS,
  isCurrent,
  machineNumber,
  type ActivityKind,
  type HostIndex,
  type Message,
  type State,
} from './state.ts';

/** Time stands still, for a VM's deadlines are not what is explored. */
type Unstamped = VmEvent extends infer Event ? (Event extends VmEvent ? Omit<Event, 'at'> : never) : never;

const SPECS = { recreate: specOf({ onLost: 'recreate' }), destroy: specOf({ onLost: 'destroy' }) };

function newMachineId(state: State): string {
  state.nextMachine += 1;
  return `m-${state.nextMachine - 1}`;
}

/** A life begins under the VM's name; the last one of that name must have ended. */
export function beginLife(state: State, rules: Rules): void {
  state.left.lives -= 1;
  const spec = SPECS[state.recreates ? 'recreate' : 'destroy'];
  const uid = `u-${state.left.lives}`;
  state.vm = newVm({ project: 'default', name: 'lobby', uid, machineId: newMachineId(state), spec, at: START });
  state.place = null;
  react(state, rules);
}

/** Something happens to the VM; the workflow answers with the activity that its new state wants. */
export function record(state: State, event: Unstamped, rules: Rules): void {
  if (state.vm === null) return;
  const before = state.vm;
  const after = next(before, { ...event, at: START });
  state.vm = after;
  if (after.machineId !== before.machineId) state.place = null;
  react(state, rules);
}

export function machineLost(state: State, machine: number, cause: 'hostLost' | undefined, rules: Rules): void {
  if (state.vm === null) return;
  const machineId = `m-${machine}`;
  refuseWrongLoss(state, machineId);
  if (cause === undefined) {
    record(state, { kind: 'machineLost', machineId }, rules);
    return;
  }
  if (state.vm.state.name === 'destroying' && !rules.endsDestroyingOfLost) return;
  if (state.vm.machineId !== machineId || state.vm.state.name === 'creating') return;
  state.task = null;
  record(state, { kind: 'hostLost', machineId, nextMachineId: newMachineId(state) }, rules);
}

/** A VM that serves on a host with which nothing is wrong loses its machine to nobody's mistake. */
function refuseWrongLoss({ vm, hosts }: State, machineId: string): void {
  if (vm?.state.name !== 'running' || vm.machineId !== machineId) return;
  for (const { worker, paused, cut, leaseAge, machines } of hosts) {
    const isWell = worker === 'up' && paused === 'no' && !cut && leaseAge === 0;
    const serves = machines.some(({ machine, state }) => machine === machineNumber(machineId) && state === 'admits');
    if (isWell && serves) throw new Violation(`${machineId} serves on a host that is well, and counts as lost`);
  }
}

/** What the workflow does next: each phase's activity, or the cancel of the one that is not needed any more. */
function react(state: State, rules: Rules): void {
  const { vm, task } = state;
  if (vm === null) return;
  if (hasEnded(vm.state)) {
    state.task = null;
    return;
  }
  const machine = machineNumber(vm.machineId);
  switch (vm.state.name) {
    case 'creating':
      if (task?.kind !== 'create' || task.machine !== machine) schedule(state, 'create', null);
      return;
    case 'booting':
      if (task?.kind !== 'ready') schedule(state, 'ready', state.place);
      return;
    case 'running':
    case 'draining':
      state.task = null;
      return;
    case 'destroying': {
      destroy(state, rules);
      return;
    }
    case 'stopping':
    case 'stopped':
    case 'starting':
    case 'imaging':
    case 'suspending':
    case 'suspended':
    case 'resuming':
      throw new Error('nobody stops a VM in this model');
  }
}

/** A create is waited for, for a destroy must not overtake it; the other activities are left to themselves. */
function destroy(state: State, rules: Rules): void {
  const { task, vm } = state;
  if (task?.kind === 'destroy') return;
  if (task?.kind === 'create' && task.started !== null) {
    task.cancelRequested = true;
    return;
  }
  state.task = null;
  if (state.place !== null) {
    schedule(state, 'destroy', rules.destroysAtPlace ? state.place : null);
    return;
  }
  record(state, { kind: 'machineGone', machineId: vm!.machineId, nextMachineId: newMachineId(state) }, rules);
}

function schedule(state: State, kind: ActivityKind, queue: HostIndex | null): void {
  const machine = currentMachine(state)!;
  state.task = { kind, machine, queue, started: null, takenBy: null, cancelRequested: false };
}

/** A completion arrives. The server refuses what is not from the attempt that it waits for. */
export function deliver(state: State, message: Message, rules: Rules): void {
  const { task } = state;
  if (task === null || task.kind !== message.kind) return;
  if (!isCurrent(state, message.attempt) && rules.refusesLateCompletions) return;
  if (message.outcome === 'handedBack' && !task.cancelRequested) {
    task.started = null;
    task.takenBy = null;
    return;
  }
  state.task = null;
  const machineId = `m-${task.machine}`;
  if (message.kind === 'create') {
    createAnswered(state, message, machineId, rules);
    return;
  }
  if (message.kind === 'ready') {
    const usage = { sequence: 1, connections: 0 };
    if (message.outcome === 'completed') record(state, { kind: 'machineReady', machineId, usage }, rules);
    else record(state, { kind: 'notReady', machineId, detail: 'the machine is gone' }, rules);
    return;
  }
  state.seenGone.push(task.machine);
  record(state, { kind: 'machineGone', machineId, nextMachineId: newMachineId(state) }, rules);
}

function createAnswered(state: State, { host, outcome }: Message, machineId: string, rules: Rules): void {
  switch (outcome) {
    case 'completed': {
      state.place = host;
      const machine = { machineId, provider: 'local', host: `host-${host}`, zone: null, address: null };
      record(state, { kind: 'machineCreated', machine }, rules);
      return;
    }
    case 'failed': {
      record(state, { kind: 'createFailed', detail: 'the id was destroyed before' }, rules);
      return;
    }
    case 'placeLost': {
      placeLost(state, machineId, rules);
      return;
    }
    case 'cancelled':
    case 'handedBack':
      state.place = null;
      state.seenGone.push(machineNumber(machineId));
      {
        react(state, rules);
        return;
      }
  }
}

/** The create is over and nobody knows what became of the machine: a new id is asked for, or it is destroyed there. */
function placeLost(state: State, machineId: string, rules: Rules): void {
  if (state.vm?.state.name === 'destroying') {
    react(state, rules);
    return;
  }
  record(state, { kind: 'placeLost', machineId, nextMachineId: newMachineId(state), detail: 'not heard of' }, rules);
}

/** The attempt was silent for too long. */
function giveUp(state: State, rules: Rules): void {
  const { task } = state;
  if (task === null) return;
  if (task.kind !== 'create' || !(rules.newIdAfterLostPlace || task.cancelRequested)) {
    task.started = null;
    return;
  }
  state.task = null;
  state.place = task.takenBy;
  placeLost(state, `m-${task.machine}`, rules);
}

export function isReachable({ hosts }: State, host: HostIndex): boolean {
  const { worker, paused, cut } = hosts[host];
  return worker === 'up' && paused === 'no' && !cut;
}

/** The VMs on a lost host are told; each may get a machine elsewhere at once. */
export function release(state: State, host: HostIndex, rules: Rules): void {
  state.registry[host].releasePending = false;
  if (state.place !== host) return;
  machineLost(state, currentMachine(state)!, 'hostLost', rules);
}

/** A tick of every clock. `replyLost`: the host whose heartbeat comes, and whose answer does not. */
export function tick(state: State, replyLost: HostIndex | null, rules: Rules): void {
  for (const host of HOSTS) {
    renew(state, host, replyLost === host, rules);
    fence(state, host, rules);
  }
  for (const host of HOSTS) judge(state, host, rules);
  const started = state.task?.started;
  if (!started) return;
  started.age = isRunning(state, started) ? 0 : started.age + 1;
  if (started.age >= rules.clocks.heartbeat) giveUp(state, rules);
}

/** Whether a tick would change nothing: every clock that runs has come to its end. */
export function standsStill(state: State, { clocks }: Rules): boolean {
  const started = state.task?.started;
  if (started && !isRunning(state, started)) return false;
  return HOSTS.every((host) => {
    const { mode, leaseAge } = state.hosts[host];
    const entry = state.registry[host];
    const renews = isReachable(state, host) && mode === 'polls' && entry.state === 'ready';
    return renews ? leaseAge === 0 : leaseAge >= clocks.fence && entry.state === 'lost';
  });
}

function isRunning(state: State, started: { attempt: number; host: HostIndex }): boolean {
  const { executions } = state.hosts[started.host];
  return isReachable(state, started.host) && executions.some(({ attempt }) => attempt === started.attempt);
}

function renew(state: State, index: HostIndex, replyLost: boolean, { clocks }: Rules): void {
  const host = state.hosts[index];
  const entry = state.registry[index];
  const arrives = isReachable(state, index) && host.mode === 'polls' && entry.state === 'ready';
  entry.silentFor = arrives ? 0 : Math.min(entry.silentFor + 1, clocks.heartbeat);
  host.leaseAge = arrives && !replyLost ? 0 : Math.min(host.leaseAge + 1, clocks.fence);
}

/** A process of its own, which goes on when the worker is stopped or dead. */
export function fence(state: State, index: HostIndex, rules: Rules): void {
  const host = state.hosts[index];
  const acts = rules.fences && host.worker !== 'off' && host.paused !== 'all';
  if (!acts || host.leaseAge < rules.clocks.fence) return;
  host.machines = [];
}

function judge(state: State, index: HostIndex, rules: Rules): void {
  const entry = state.registry[index];
  const { heartbeat, lost } = rules.clocks;
  if (entry.state === 'away') entry.awayFor = Math.min(entry.awayFor + 1, lost);
  if (entry.state === 'ready' && entry.silentFor >= heartbeat) {
    entry.state = 'away';
    entry.awayFor = 0;
    if (!rules.releasesOnlyLost) entry.releasePending = true;
  }
  if (entry.state === 'away' && entry.awayFor >= lost) {
    entry.state = 'lost';
    entry.owesReconcile = true;
    if (rules.releasesOnlyLost) entry.releasePending = true;
  }
  if (entry.state === 'lost') entry.silentFor = entry.awayFor = 0;
}

/** Whether the VM's workflow has ended, so that a machine of it has no owner. */
export function isClosed(vm: Vm | null): boolean {
  return vm === null || hasEnded(vm.state);
}
