/**
 * The lifecycle of a VM as one pure function: `next(vm, event)`.
 *
 *   creating -> booting -> running <-> draining -> destroying -> destroyed | failed
 *      ^------------- a lost machine is replaced ------'
 *
 * Who owns which fact: the agent owns the count, the provider owns whether the machine exists, the workflow
 * owns everything else. Races it settles:
 * - a report of an earlier machine, or an older one, arrives late: `machineId` and `sequence` fence it;
 * - a request arrives late, when its name has another life: the `uid` that it names fences it;
 * - somebody connects while the idle deadline fires: the end is confirmed with a fresh count first;
 * - several ends come at once: the first reason stays;
 * - the end comes while the machine is still being made: the undo of a phase is always the same destroy;
 * - the provider never lets a machine go: an administrator's force frees the name, the sweeper gets the machine.
 */
import { EMPTY_END_REASON, nextDeadline, type DeadlineKind } from './deadlines.ts';
import type { MachineEndCause } from './machine-provider.ts';
import { TIMEOUTS } from './timeouts.ts';
import { isOutdated, recordReport, recordTypedCount } from './usage.ts';
import type { VmEvent } from './vm-events.ts';
import {
  FAILED_REASONS,
  MAX_REPLACEMENTS,
  TIMELINE_LIMIT,
  hasEnded,
  isServing,
  mayBeAssigned,
  type Confirmation,
  type Destroying,
  type Draining,
  type EndReason,
  type Running,
  type Serving,
  type TimelineEntry,
  type Usage,
  type Vm,
} from './vm-state.ts';

type EventOf<Kind extends VmEvent['kind']> = Extract<VmEvent, { kind: Kind }>;

/** The VM after an event. An event that means nothing in the current state returns the same object. */
export function next(vm: Vm, event: VmEvent): Vm {
  if (hasEnded(vm.state)) return vm;
  if (isOfAnotherMachine(vm, event) || isForAnotherLife(vm, event)) return vm;
  switch (event.kind) {
    case 'machineCreated':
      return machineCreated(vm, event);
    case 'createFailed':
      return vm.state.name === 'creating' ? endWith(vm, event.at, event.cause ?? 'createFailed', event.detail) : vm;
    case 'machineReady':
      return vm.state.name === 'booting' ? machineReady(vm, event.at, event.usage) : vm;
    case 'notReady':
      return vm.state.name === 'booting' ? endWith(vm, event.at, event.cause ?? 'notReady', event.detail) : vm;
    case 'report':
      return reported(vm, event);
    case 'assigned':
      return mayBeAssigned(vm) ? { ...vm, assignedMachineId: event.machineId } : vm;
    case 'connections':
      return typedConnections(vm, event);
    case 'confirmAnswered':
      return confirmAnswered(vm, event);
    case 'confirmUnanswered':
      return isServing(vm.state) && vm.state.confirmation
        ? fallSilent(vm, vm.state, event.at, 'the agent gave no answer')
        : vm;
    case 'confirmByReport':
      return confirmByReport(vm, event);
    case 'probed':
      return probed(vm, event);
    case 'machineLost':
      return vm.state.name === 'booting' || isServing(vm.state)
        ? endWith(vm, event.at, event.cause ?? 'lost', goneText(event.cause))
        : vm;
    case 'drain':
      return drain(vm, event.at);
    case 'undrain':
      return undrain(vm, event.at);
    case 'drainingTold':
      return drainingTold(vm, event);
    case 'hold':
      return hold(vm, event);
    case 'holdOver':
      return holdOver(vm, event.at);
    case 'exchanged':
      return canExchange(vm, event) && vm.exchangeNonce === null ? { ...vm, exchangeNonce: event.nonce } : vm;
    case 'destroyRequested':
      return endWith(vm, event.at, 'requested', null);
    case 'destroyForced':
      return force(vm, event.at);
    case 'cancelled':
      return endWith(vm, event.at, 'cancelled', null);
    case 'deadline':
      return deadline(vm, event.at);
    case 'machineGone':
      return machineGone(vm, event);
  }
}

function isOfAnotherMachine(vm: Vm, event: VmEvent): boolean {
  if (event.kind === 'machineCreated') return event.machine.machineId !== vm.machineId;
  return 'machineId' in event && event.machineId !== vm.machineId;
}

function isForAnotherLife(vm: Vm, event: VmEvent): boolean {
  return 'uid' in event && event.uid !== vm.uid;
}

function machineCreated(vm: Vm, event: EventOf<'machineCreated'>): Vm {
  if (vm.state.name !== 'creating') return vm;
  const { usage } = vm.state;
  const state = { name: 'booting', since: event.at, machine: event.machine, usage } as const;
  const booting = logged({ ...vm, state }, event.at, { kind: 'state' });
  const agentWasFaster = usage?.source === 'agent' && vm.spec.readiness.kind === 'agent';
  return agentWasFaster ? machineReady(booting, event.at, null) : booting;
}

function machineReady(vm: Vm, at: number, report: { sequence: number; connections: number } | null): Vm {
  if (vm.state.name !== 'booting') return vm;
  const usage = report === null ? vm.state.usage : recordReport(vm.state.usage, report, at);
  const state: Running = {
    name: 'running',
    since: at,
    machine: vm.state.machine,
    readyAt: at,
    usage,
    confirmation: null,
    silence: null,
    drainNotice: 'sent',
  };
  return logged({ ...vm, state }, at, { kind: 'state', ...countDetail(usage) });
}

function countDetail(usage: Usage | null): { detail?: string } {
  return usage !== null && usage.connections > 0 ? { detail: connectionsText(usage.connections) } : {};
}

function reported(vm: Vm, event: EventOf<'report'>): Vm {
  const { state } = vm;
  if (state.name === 'destroying' || hasEnded(state)) return vm;
  if (state.usage?.source === 'agent' && event.sequence <= state.usage.sequence) return vm;
  if (isServing(state)) {
    return heard(vm, state, event, isAnswer(event, state.confirmation));
  }
  if (state.name === 'booting' && vm.spec.readiness.kind === 'agent') return machineReady(vm, event.at, event);
  return { ...vm, state: { ...state, usage: recordReport(state.usage, event, event.at) } };
}

/** Clocks of forwarders differ from the workflow's, so a question that has a name is answered by its name alone. */
function isAnswer({ answers, sentAt }: EventOf<'report'>, confirmation: Confirmation | null): boolean {
  if (confirmation === null) return false;
  return confirmation.id === undefined ? sentAt >= confirmation.askedAt : answers === confirmation.id;
}

function typedConnections(vm: Vm, event: EventOf<'connections'>): Vm {
  const { state } = vm;
  if (state.name === 'destroying' || hasEnded(state)) return vm;
  const usage = recordTypedCount(state.usage, event.connections, event.at);
  if (isServing(state)) return counted(vm, state, usage, event.at);
  return { ...vm, state: { ...state, usage } };
}

function confirmAnswered(vm: Vm, event: EventOf<'confirmAnswered'>): Vm {
  const { state } = vm;
  return isServing(state) && !isOutdated(state.usage, event) ? heard(vm, state, event, true) : vm;
}

/** Only now do others need to know of the question: replicas forward the next report whatever it says. */
function confirmByReport(vm: Vm, { at, id }: EventOf<'confirmByReport'>): Vm {
  if (!isServing(vm.state) || vm.state.confirmation?.answeredBy !== 'agent') return vm;
  const named = id === undefined ? {} : { id };
  const confirmation = { ...vm.state.confirmation, answeredBy: 'report', ...named } as const;
  const detail = `before ${confirmation.reason}`;
  return logged({ ...vm, state: { ...vm.state, confirmation } }, at, { kind: 'confirming', detail });
}

/** The agent speaks: a fresh 0 confirms the end that waits for it, any word ends a silence. */
function heard(
  vm: Vm,
  state: Running | Draining,
  report: EventOf<'report' | 'confirmAnswered'>,
  answersConfirmation: boolean,
): Vm {
  const { at } = report;
  if (state.confirmation !== null && answersConfirmation && report.connections === 0) {
    const confirmed = logged(vm, at, { kind: 'confirmed', detail: 'the agent counts 0 connections' });
    return endWith(confirmed, at, state.confirmation.reason, null);
  }
  const usage = recordReport(state.usage, report, at);
  if (state.silence === null) return counted(vm, state, usage, at);
  const audible: Running | Draining = { ...state, silence: null };
  const heardAgain = logged({ ...vm, state: audible }, at, { kind: 'health', detail: 'the agent reports again' });
  return counted(heardAgain, audible, usage, at);
}

/** Takes a new count: somebody connected stops a confirmation; a changed count is noted. */
function counted(vm: Vm, state: Running | Draining, usage: Usage, at: number): Vm {
  const confirmation = usage.connections > 0 ? null : state.confirmation;
  const served: Vm = { ...vm, state: { ...state, usage, confirmation } };
  if (state.usage?.connections === usage.connections) return served;
  return logged(served, at, { kind: 'connections', detail: connectionsText(usage.connections) });
}

function connectionsText(connections: number): string {
  return connections === 1 ? '1 connection' : `${String(connections)} connections`;
}

function probed(vm: Vm, event: EventOf<'probed'>): Vm {
  const { state } = vm;
  if (!isServing(state) || state.silence === null) return vm;
  if (!event.alive)
    return endWith(vm, event.at, event.cause ?? 'lost', `the agent fell silent: ${goneText(event.cause)}`);
  if (state.silence.probe === 'alive') return vm;
  const graceUntil = event.at + vm.spec.idle.silenceTimeoutSeconds * 1000;
  return { ...vm, state: { ...state, silence: { ...state.silence, graceUntil, probe: 'alive' } } };
}

function goneText(cause: MachineEndCause | undefined): string {
  return cause === 'preempted' ? 'the provider took the machine back' : 'the machine is gone';
}

function drain(vm: Vm, at: number): Vm {
  const { state } = vm;
  if (state.name === 'creating' || state.name === 'booting') return endWith(vm, at, 'drained', 'nobody was in yet');
  if (state.name !== 'running') return vm;
  const draining: Draining = { ...state, name: 'draining', since: at, drainNotice: 'pending' };
  return logged({ ...vm, state: draining }, at, { kind: 'state' });
}

function undrain(vm: Vm, at: number): Vm {
  const { state } = vm;
  if (state.name !== 'draining') return vm;
  const confirmation = state.confirmation?.reason === 'drained' ? null : state.confirmation;
  const running: Running = { ...state, name: 'running', since: at, confirmation, drainNotice: 'pending' };
  return logged({ ...vm, state: running }, at, { kind: 'state' });
}

function drainingTold(vm: Vm, event: EventOf<'drainingTold'>): Vm {
  const { state } = vm;
  if (!isServing(state) || state.drainNotice === 'sent') return vm;
  if (event.draining !== (state.name === 'draining')) return vm;
  return { ...vm, state: { ...state, drainNotice: 'sent' } };
}

function hold(vm: Vm, event: EventOf<'hold'>): Vm {
  if (vm.state.name === 'destroying' || (event.seconds === 0 && vm.holdUntil === null)) return vm;
  const holdUntil = event.seconds === 0 ? null : event.at + event.seconds * 1000;
  const detail = event.seconds === 0 ? 'released' : `${String(event.seconds)} s`;
  const held: Vm = { ...vm, holdUntil };
  if (event.seconds > 0 && isServing(held.state) && held.state.confirmation) {
    held.state = { ...held.state, confirmation: null };
  }
  return logged(held, event.at, { kind: 'hold', detail });
}

function holdOver(vm: Vm, at: number): Vm {
  if (vm.state.name === 'destroying' || vm.holdUntil === null || vm.holdUntil > at) return vm;
  return logged({ ...vm, holdUntil: null }, at, { kind: 'hold', detail: 'over' });
}

/** A bootstrap secret works once, for the current machine; a repeat by the same caller is a lost reply. */
export function canExchange(vm: Vm, request: { machineId: string; nonce: string }): boolean {
  const live = vm.state.name !== 'destroying' && !hasEnded(vm.state);
  return live && request.machineId === vm.machineId && (vm.exchangeNonce ?? request.nonce) === request.nonce;
}

function deadline(vm: Vm, at: number): Vm {
  const due = nextDeadline(vm);
  if (due === null || due.at > at) return vm;
  return DUE[due.kind](vm, at);
}

const DUE: Record<DeadlineKind, (vm: Vm, at: number) => Vm> = {
  create: (vm, at) => endWith(vm, at, 'createFailed', `no machine within ${String(TIMEOUTS.createTotalSeconds)} s`),
  ready: (vm, at) => endWith(vm, at, 'notReady', `not ready within ${String(vm.spec.readiness.timeoutSeconds)} s`),
  maxLifetime: (vm, at) => endWith(vm, at, 'maxLifetime', null),
  neverConnected: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.neverConnected),
  idle: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.idle),
  softLifetime: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.softLifetime),
  drained: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.drained),
  confirm: (vm, at) => (isServing(vm.state) ? fallSilent(vm, vm.state, at, 'the agent gave no answer') : vm),
  silence: (vm, at) => (isServing(vm.state) ? fallSilent(vm, vm.state, at, 'the agent is silent') : vm),
  lost: (vm, at) => endWith(vm, at, 'lost', 'the agent stayed silent past its grace'),
  letGo,
};

/** Ends an empty VM: at once when no agent can be asked, else after a fresh count. */
function endWhenEmpty(vm: Vm, at: number, reason: EndReason): Vm {
  if (!isServing(vm.state)) return vm;
  if (vm.state.usage?.source !== 'agent') return endWith(vm, at, reason, null);
  const until = at + TIMEOUTS.confirmReportSeconds * 1000;
  const confirmation = { reason, answeredBy: 'agent', askedAt: at, until } as const;
  return { ...vm, state: { ...vm.state, confirmation } };
}

function fallSilent(vm: Vm, state: Running | Draining, at: number, detail: string): Vm {
  const silence = { since: at, graceUntil: null, probe: 'pending' } as const;
  const silent: Serving = { ...state, confirmation: null, silence };
  return logged({ ...vm, state: { ...state, ...silent } }, at, { kind: 'health', detail: `unknown: ${detail}` });
}

/** The only way out of every live state: destroy the machine. The first reason stays, but a wish ends a replacement. */
function endWith(vm: Vm, at: number, reason: EndReason, detail: string | null): Vm {
  const { state } = vm;
  if (hasEnded(state)) return vm;
  if (state.name === 'destroying' && state.then === 'end') return vm;
  const isLoss = reason === 'lost' || reason === 'preempted';
  const isReplaced = isLoss && vm.spec.onLost === 'recreate' && vm.replacements < MAX_REPLACEMENTS;
  const destroying: Destroying = {
    name: 'destroying',
    since: at,
    reason,
    detail,
    machine: state.name === 'creating' ? null : state.machine,
    readyAt: 'readyAt' in state ? state.readyAt : null,
    then: isReplaced ? 'recreate' : 'end',
    letGoAt: null,
  };
  return logged({ ...vm, state: destroying }, at, { kind: 'state', reason, ...(detail === null ? {} : { detail }) });
}

/** A destroy like any other, but tried for a limited time, counted from when it began. A repeat changes nothing. */
function force(vm: Vm, at: number): Vm {
  const begunAt = vm.state.name === 'destroying' ? vm.state.since : at;
  const ending = endWith(vm, at, 'requested', null);
  if (ending.state.name !== 'destroying' || ending.state.letGoAt !== null) return ending;
  const letGoAt = Math.max(at, begunAt + TIMEOUTS.forcedDestroySeconds * 1000);
  const forced = `forced: a machine that is not gone in ${Math.round((letGoAt - at) / 1000)} s is left to the sweeper`;
  const detail = ending.state.detail === null ? forced : `${ending.state.detail}; ${forced}`;
  const state: Destroying = { ...ending.state, letGoAt, detail };
  return logged({ ...ending, state }, at, { kind: 'forced', detail: forced });
}

/** The end without a confirmed destroy. It fails, for `destroyed` is a promise that the machine is gone. */
function letGo(vm: Vm, at: number): Vm {
  if (vm.state.name !== 'destroying') return vm;
  const { reason, readyAt } = vm.state;
  const detail = `forced: ${vm.machineId} was not seen gone; the sweeper removes what is left of it`;
  const state = { name: 'failed', since: at, reason, detail, readyAt } as const;
  return logged({ ...vm, state }, at, { kind: 'state', reason, detail });
}

function machineGone(vm: Vm, event: EventOf<'machineGone'>): Vm {
  if (vm.state.name !== 'destroying') return vm;
  const { at } = event;
  if (vm.state.then === 'recreate') {
    if (at < vm.createdAt + vm.spec.maxLifetimeSeconds * 1000) return replaced(vm, event);
    return machineGone({ ...vm, state: { ...vm.state, reason: 'maxLifetime', detail: null, then: 'end' } }, event);
  }
  const { reason, detail, readyAt } = vm.state;
  const failed = FAILED_REASONS.includes(reason);
  const state = failed
    ? ({ name: 'failed', since: at, reason, detail, readyAt } as const)
    : ({ name: 'destroyed', since: at, reason, readyAt } as const);
  return logged({ ...vm, state }, at, { kind: 'state', reason });
}

/** The same VM with a new machine: whatever the lost one still says is fenced by its id. */
function replaced(vm: Vm, { at, machineId, nextMachineId }: EventOf<'machineGone'>): Vm {
  const state = { name: 'creating', since: at, usage: null } as const;
  const replacements = vm.replacements + 1;
  const again: Vm = { ...vm, machineId: nextMachineId, exchangeNonce: null, replacements, state };
  const loss = vm.state.name === 'destroying' ? vm.state.reason : 'lost';
  const detail = `replaces ${machineId}, which was ${loss} (${replacements} of at most ${MAX_REPLACEMENTS})`;
  return logged(again, at, { kind: 'state', detail });
}

/** Adds a timeline entry; the one place where `updatedAt` moves. */
function logged(vm: Vm, at: number, entry: Pick<TimelineEntry, 'kind' | 'reason' | 'detail'>): Vm {
  const line: TimelineEntry = { number: vm.nextEntryNumber, at, state: vm.state.name, ...entry };
  return {
    ...vm,
    timeline: [...vm.timeline, line].slice(-TIMELINE_LIMIT),
    nextEntryNumber: vm.nextEntryNumber + 1,
    updatedAt: at,
  };
}
