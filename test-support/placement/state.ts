/**
 * One state of the placement model: a VM's workflow and its one activity on the server, the registry, two hosts with
 * their workers, machines and fences, and messages on their way. Plain data; a step copies it and changes the copy.
 */
import type { Vm } from '../../domain/vm/state.ts';
import type { Budget } from './rules.ts';

export type HostIndex = 0 | 1;
export const HOSTS: readonly HostIndex[] = [0, 1];
const BACKWARDS: readonly HostIndex[] = [1, 0];

export type ActivityKind = 'create' | 'ready' | 'destroy';

/** An activity as the server knows it: one at a time, for phases follow each other. */
export interface Task {
  kind: ActivityKind;
  machine: number;
  /** Whose queue it is on; null: the provider's. */
  queue: HostIndex | null;
  /** The attempt that runs, and for how many ticks nothing was heard of it; null while it waits on its queue. */
  started: { attempt: number; host: HostIndex; age: number } | null;
  /** From the heartbeat's details: the host that began to make the machine. */
  takenBy: HostIndex | null;
  cancelRequested: boolean;
}

/** An attempt as the worker runs it; the server may have given it up. */
export interface Execution {
  kind: ActivityKind;
  machine: number;
  attempt: number;
  step: 'begun' | 'made' | 'acknowledged';
  /** What it says once it reaches the server. */
  says: Outcome | null;
}

export type Outcome = 'completed' | 'handedBack' | 'placeLost' | 'failed' | 'cancelled';

export interface Message {
  kind: ActivityKind;
  machine: number;
  attempt: number;
  host: HostIndex;
  outcome: Outcome;
}

export interface Machine {
  machine: number;
  /** `admits`: it was told what it is for, so users who know its address get in. One that was stopped is not there. */
  state: 'made' | 'admits';
}

export interface Host {
  worker: 'up' | 'killed' | 'off';
  /** `all`: machines and fence are stopped too. */
  paused: 'no' | 'worker' | 'all';
  cut: boolean;
  /** `starting`: it has to reconcile; `reconciled`: it has to tell the registry; `polls`: it takes creates. */
  mode: 'starting' | 'reconciled' | 'polls';
  /** Ticks since the start of its last successful lease heartbeat, by its own clock. */
  leaseAge: number;
  executions: Execution[];
  machines: Machine[];
  /** Machine ids that were destroyed here. */
  tombstones: number[];
}

/** A host as the registry knows it. */
export interface Entry {
  state: 'ready' | 'away' | 'lost';
  /** Ticks since the last heartbeat of the lease came, and since it is away. */
  silentFor: number;
  awayFor: number;
  /** VMs that are placed on it are still to be released. */
  releasePending: boolean;
  /** It was lost or its worker was started anew, and it has not reconciled since. */
  owesReconcile: boolean;
}

export interface State {
  /** Null before the first create. */
  vm: Vm | null;
  recreates: boolean;
  task: Task | null;
  /** Where the current machine is, as far as the workflow knows. */
  place: HostIndex | null;
  /** Machines that were observed gone at the place where they were. */
  seenGone: number[];
  hosts: [Host, Host];
  registry: [Entry, Entry];
  messages: Message[];
  left: Budget;
  nextMachine: number;
  nextAttempt: number;
}

function newHost(): Host {
  return {
    ...{ worker: 'up', paused: 'no', cut: false, mode: 'polls', leaseAge: 0 },
    ...{ executions: [], machines: [], tombstones: [] },
  };
}

function newEntry(): Entry {
  return { state: 'ready', silentFor: 0, awayFor: 0, releasePending: false, owesReconcile: false };
}

export function initialState(left: Budget, recreates: boolean): State {
  return {
    ...{ vm: null, recreates, task: null, place: null, seenGone: [] },
    ...{ hosts: [newHost(), newHost()], registry: [newEntry(), newEntry()], messages: [] },
    ...{ left, nextMachine: 1, nextAttempt: 1 },
  };
}

/** A copy that may be changed; a VM is never changed, only replaced. */
export function copyOf(state: State): State {
  return {
    ...state,
    task: state.task && { ...state.task, started: state.task.started && { ...state.task.started } },
    seenGone: [...state.seenGone],
    hosts: [copyOfHost(state.hosts[0]), copyOfHost(state.hosts[1])],
    registry: [{ ...state.registry[0] }, { ...state.registry[1] }],
    messages: [...state.messages],
    left: { ...state.left },
  };
}

function copyOfHost(host: Host): Host {
  return {
    ...host,
    executions: host.executions.map((execution) => ({ ...execution })),
    machines: host.machines.map((machine) => ({ ...machine })),
    tombstones: [...host.tombstones],
  };
}

/** The number in a machine id, which the model makes up as the workflow does. */
export function machineNumber(machineId: string): number {
  return Number(machineId.slice(2));
}

export function currentMachine({ vm }: State): number | null {
  return vm === null ? null : machineNumber(vm.machineId);
}

/** True when the server still waits for this attempt. */
export function isCurrent({ task }: State, attempt: number): boolean {
  return task?.started?.attempt === attempt;
}

/** Drops what can have no effect any more, so that states that only differ in their past are the same. */
export function forget(state: State): void {
  for (const host of state.hosts)
    if (host.tombstones.length > 0) host.tombstones = host.tombstones.filter((one) => mayStillBeMade(state, one));
  if (state.seenGone.length > 0)
    state.seenGone = state.seenGone.filter((one) => mayStillBeMade(state, one) || isSomewhere(state, one));
  for (const host of state.hosts) if (host.machines.length > 1) collapseOrphans(state, host);
}

/** Machines that nobody can let users in to any more are all alike: one stands for several. */
function collapseOrphans(state: State, host: Host): void {
  const current = currentMachine(state);
  const isSpare = ({ machine, state: at }: Machine): boolean =>
    at === 'made' && machine !== current && !state.seenGone.includes(machine) && !isAttempted(state, machine);
  const spare = host.machines.filter(isSpare);
  if (spare.length > 1) host.machines = host.machines.filter((machine) => machine === spare[0] || !isSpare(machine));
}

function isAttempted({ task, hosts }: State, machine: number): boolean {
  return task?.machine === machine || hosts.some(({ executions }) => executions.some((one) => one.machine === machine));
}

function mayStillBeMade({ task, hosts }: State, machine: number): boolean {
  if (task?.kind === 'create' && task.machine === machine) return true;
  return hosts.some(({ executions }) => executions.some((one) => one.kind === 'create' && one.machine === machine));
}

function isSomewhere({ hosts }: State, machine: number): boolean {
  return hosts.some(({ machines }) => machines.some((one) => one.machine === machine));
}

/**
 * The same for states that behave alike. Machine ids count in the order in which they are met, attempts not at all. The two
 * hosts have the same rules, so a state in which they have changed places is the same state. Once the VM has ended for
 * good and nothing is there or under way that could ever become a machine, nothing that happens to hosts matters.
 */
export function keyOf(state: State): string {
  if (isOver(state)) return 'over';
  const [first, second] = [signature(state, 0), signature(state, 1)];
  if (first !== second) return keyFrom(state, first < second ? 0 : 1);
  const [one, other] = [keyFrom(state, 0), keyFrom(state, 1)];
  return one < other ? one : other;
}

function isOver({ vm, left, task, messages, hosts, seenGone }: State): boolean {
  const hasEnded = vm !== null && (vm.state.name === 'destroyed' || vm.state.name === 'failed') && left.lives === 0;
  const isEmpty = hosts.every(({ executions, machines }) => executions.length === 0 && machines.length === 0);
  return hasEnded && isEmpty && task === null && messages.length === 0 && seenGone.length === 0;
}

/** What tells a host from the other one, without the names of machines. */
function signature(state: State, index: HostIndex): string {
  const { place, task, messages } = state;
  const refers = [place, task?.queue, task?.takenBy, task?.started?.host].map((host) => (host === index ? 1 : 0));
  const sent = messages.filter(({ host }) => host === index).length;
  return `${refers.join('')}${sent}${hostKey(state, index, () => 0)}`;
}

/** `origin`: the host that is named 0. */
function keyFrom(state: State, origin: HostIndex): string {
  const names = new Map<number, number>();
  const name = (machine: number): number => {
    const known = names.get(machine);
    if (known !== undefined) return known;
    names.set(machine, names.size);
    return names.size - 1;
  };
  const at = (host: HostIndex | null): HostIndex | '-' => (host === null ? '-' : host === origin ? 0 : 1);
  const { vm, task, left } = state;
  let key = `${state.recreates ? 'r' : 'd'}|`;
  if (vm !== null) {
    name(machineNumber(vm.machineId));
    key += vm.state.name;
    if (vm.state.name === 'destroying') key += vm.state.then;
  }
  key += `|${at(state.place)}|`;
  if (task !== null) {
    const { started } = task;
    key += `${task.kind}${name(task.machine)}q${at(task.queue)}t${at(task.takenBy)}${task.cancelRequested ? 'c' : ''}`;
    if (started !== null) key += `s${at(started.host)}a${started.age}`;
  }
  for (const host of origin === 0 ? HOSTS : BACKWARDS) key += hostKey(state, host, name);
  for (const { kind, machine, attempt, host, outcome } of state.messages)
    key += `|m${kind}${name(machine)}${at(host)}${outcome}${isCurrent(state, attempt) ? '' : '!'}`;
  key += `|g${state.seenGone.map(name).sort().join()}`;
  return `${key}|${left.crashes}${left.pauses}${left.partitions}${left.lost}${left.late}${left.handBacks}${left.failures}${left.deletes}${left.lives}`;
}

export function hostKey(state: State, index: HostIndex, name: (machine: number) => number = (it) => it): string {
  const host = state.hosts[index];
  const entry = state.registry[index];
  let key = `|${host.worker}${host.paused}${host.cut ? 'x' : ''}${host.mode}${host.leaseAge}`;
  for (const { kind, machine, attempt, step, says } of host.executions)
    key += `,${kind}${name(machine)}${step}${says ?? ''}${isCurrent(state, attempt) ? '' : '!'}`;
  for (const { machine, state: at } of host.machines) key += `;${at}${name(machine)}`;
  if (host.tombstones.length > 0) key += `t${host.tombstones.map(name).sort().join()}`;
  return `${key}/${entry.state}${entry.silentFor}${entry.awayFor}${entry.releasePending ? 'p' : ''}${entry.owesReconcile ? 'o' : ''}`;
}
