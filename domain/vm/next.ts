/**
 * The lifecycle of a VM as one pure function: `next(vm, event)`.
 *
 *   creating -> booting -> running <-> draining -> destroying -> destroyed | failed
 *      ^------------- a lost machine is replaced ------'
 *
 * Below `running` a machine is stopped and started again (power.ts), and images are made of it (close.ts).
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
import { TIMEOUTS } from '../timeouts.ts';
import { isOnInstance } from '../machine/proven-instance.ts';
import type { MachineEndCause } from '../machine/provider.ts';
import { isOutdated, recordLeasedCount, recordReport, recordTypedCount } from '../agent/usage.ts';
import { closeRequested, imageFailed, imageKept, snapshotRequested } from './close.ts';
import { endWith, force, forceTimeout, goneText, hostLost, machineGone } from './endings.ts';
import type { EventOf, VmEvent } from './events.ts';
import {
  hostOfDiskLost,
  isOffDuty,
  leaveEmpty,
  lookForMachine,
  machineMissing,
  machineStarted,
  machineStopped,
  machineSuspended,
  reportedWhileStarting,
  resumeRequested,
  retentionOver,
  startFailed,
  startOverdue,
  startRequested,
  stopRequested,
  suspendFailed,
  suspendRequested,
} from './power.ts';
import { forWhoeverAsked, rollOver, whySooner } from './roll-over.ts';
import { askAgain, fallSilent, probed, saidToBeGone, silentTooLong } from './silence.ts';
import { takenBack } from './take-back.ts';
import {
  MAX_PLACES_LOST,
  hasEnded,
  isComingBack,
  isServing,
  logged,
  mayBeAssigned,
  type Confirmation,
  type Destroying,
  type Draining,
  type EndReason,
  type Running,
  type Usage,
  type Vm,
} from './state.ts';

/** The VM after an event. An event that means nothing in the current state returns the same object. */
export function next(vm: Vm, event: VmEvent): Vm {
  if (hasEnded(vm.state) || isOfAnotherMachine(vm, event) || isForAnotherLife(vm, event)) return vm;
  if (isOfPower(event)) return power(vm, event);
  switch (event.kind) {
    case 'machineCreated':
      return machineCreated(vm, event);
    case 'placeLost':
      return placeLost(vm, event);
    case 'createFailed':
      return createFailed(vm, event);
    case 'machineReady':
      return vm.state.name === 'booting' ? machineReady(vm, event.at, event.usage) : vm;
    case 'notReady':
      return vm.state.name === 'booting' ? notReadyFor(vm, event) : vm;
    case 'report':
      return reported(vm, event);
    case 'assigned':
      return mayBeAssigned(vm) ? { ...vm, assignedMachineId: event.machineId } : vm;
    case 'connections':
      return typedConnections(vm, event);
    case 'confirmAnswered':
      return confirmAnswered(vm, event);
    case 'confirmUnanswered':
      return confirmUnanswered(vm, event.at);
    case 'confirmByReport':
      return confirmByReport(vm, event);
    case 'probed':
      return probed(vm, event);
    case 'machineLost':
      return machineLost(vm, event);
    case 'hostLost':
      if (isOver(vm, event)) return vm;
      return isOffDuty(vm) ? hostOfDiskLost(vm, event) : hostLost(vm, event);
    case 'drain':
      return drain(vm, event.at);
    case 'undrain':
      return undrain(vm, event.at);
    case 'takenBack':
      return forWhoeverAsked(vm, takenBack(vm, event), event.at);
    case 'rollOver':
      return rollOver(vm, event);
    case 'drainingNotified':
      return drainingNotified(vm, event);
    case 'hold':
      return hold(vm, event);
    case 'holdOver':
      return holdOver(vm, event.at);
    case 'closeRequested':
    case 'snapshotRequested':
    case 'imageKept':
    case 'imageFailed':
      return imaged(vm, event);
    case 'exchanged':
      return canExchange(vm, event) && vm.exchangeNonce === null ? { ...vm, exchangeNonce: event.nonce } : vm;
    case 'destroyRequested':
      return endWith(vm, event.at, 'requested', null);
    case 'destroyForced':
      return force(vm, event.at);
    case 'cancelled':
      return endWith(vm, event.at, 'cancelled', null);
    case 'deadline':
      return deadline(vm, event);
    case 'machineGone':
      return machineGone(vm, event);
  }
}

/** What leads down from `running` and back (power.ts). */
const OF_POWER = [
  ...(['stopRequested', 'startRequested', 'suspendRequested', 'resumeRequested'] as const),
  ...([
    'machineStopped',
    'machineSuspended',
    'suspendFailed',
    'machineStarted',
    'startFailed',
    'machineMissing',
  ] as const),
] as const;
type PowerEvent = EventOf<(typeof OF_POWER)[number]>;

function isOfPower(event: VmEvent): event is PowerEvent & VmEvent {
  return (OF_POWER as readonly string[]).includes(event.kind);
}

function power(vm: Vm, event: PowerEvent): Vm {
  switch (event.kind) {
    case 'stopRequested':
      return stopRequested(vm, event);
    case 'startRequested':
      return forWhoeverAsked(vm, startRequested(vm, event), event.at);
    case 'suspendRequested':
      return suspendRequested(vm, event);
    case 'resumeRequested':
      return forWhoeverAsked(vm, resumeRequested(vm, event), event.at);
    case 'machineSuspended':
      return machineSuspended(vm, event);
    case 'suspendFailed':
      return suspendFailed(vm, event);
    case 'machineStopped':
      return machineStopped(vm, event);
    case 'machineStarted':
      return started(vm, event);
    case 'startFailed':
      return isComingBack(vm.state) ? startFailed(vm, event.at, event.detail) : vm;
    case 'machineMissing':
      return isOffDuty(vm) ? machineMissing(vm, event) : vm;
  }
}

function imaged(vm: Vm, event: EventOf<'closeRequested' | 'snapshotRequested' | 'imageKept' | 'imageFailed'>): Vm {
  switch (event.kind) {
    case 'closeRequested':
      return closeRequested(vm, event);
    case 'snapshotRequested':
      return snapshotRequested(vm, event);
    case 'imageKept':
      return imageKept(vm, event);
    case 'imageFailed':
      return imageFailed(vm, event);
  }
}

function createFailed(vm: Vm, { at, detail, cause, terminal }: EventOf<'createFailed'>): Vm {
  if (vm.state.name !== 'creating') return vm;
  const ended = endWith(vm, at, cause ?? 'createFailed', detail);
  return terminal ? { ...ended, specRefused: true } : ended;
}

function machineLost(vm: Vm, { at, cause, hearsay }: EventOf<'machineLost'>): Vm {
  // Whoever waits until it is ready sees for himself that it ended.
  if (hearsay && vm.state.name === 'booting') return vm;
  if (isOffDuty(vm)) return lookForMachine(vm, at);
  if (hearsay && isServing(vm.state)) return saidToBeGone(vm, vm.state, at);
  return vm.state.name === 'booting' || isServing(vm.state) ? endWith(vm, at, cause ?? 'lost', goneText(cause)) : vm;
}

/** The host was lost, and has started the machine since. */
function isOver({ startedAgainAt }: Vm, { lostAt }: EventOf<'hostLost'>): boolean {
  return startedAgainAt !== undefined && lostAt !== undefined && lostAt <= startedAgainAt;
}

function isOfAnotherMachine(vm: Vm, event: VmEvent): boolean {
  if ('machine' in event) return event.machine.machineId !== vm.machineId;
  return 'machineId' in event && event.machineId !== vm.machineId;
}

function isForAnotherLife(vm: Vm, event: VmEvent): boolean {
  return 'uid' in event && event.uid !== vm.uid;
}

function machineCreated(vm: Vm, event: EventOf<'machineCreated'>): Vm {
  if (vm.state.name === 'destroying' && vm.state.machine === null) return destroyedThere(vm, vm.state, event);
  if (vm.state.name !== 'creating') return vm;
  const { usage } = vm.state;
  const state = { name: 'booting', since: event.at, machine: event.machine, usage } as const;
  const origin = originOf(vm, event);
  const booting = logged({ ...vm, ...origin, state }, event.at, { kind: 'state' });
  return readyIfAgentWasFaster(booting, event.at);
}

function originOf({ spec }: Vm, { startedFrom }: EventOf<'machineCreated'>): Pick<Vm, 'startedFrom'> {
  if (startedFrom !== undefined) return { startedFrom };
  return spec.startFrom === undefined ? {} : { startedFrom: 'image' };
}

function started(vm: Vm, event: EventOf<'machineStarted'>): Vm {
  return isComingBack(vm.state) ? readyIfAgentWasFaster(machineStarted(vm, event), event.at) : vm;
}

function readyIfAgentWasFaster(vm: Vm, at: number): Vm {
  const usage = vm.state.name === 'booting' ? vm.state.usage : null;
  return usage?.source === 'agent' && vm.spec.readiness.kind === 'agent' ? machineReady(vm, at, null) : vm;
}

function notReadyFor(vm: Vm, { at, detail, cause, unheard }: EventOf<'notReady'>): Vm {
  return heardOf(notReady(vm, at, detail, cause), unheard);
}

function heardOf(vm: Vm, unheard: true | undefined): Vm {
  return unheard === true ? { ...vm, startUnheard: true } : vm;
}

/** One that was stopped before is stopped again: what is on its disk is worth more than the try. */
function notReady(vm: Vm, at: number, detail: string, cause: MachineEndCause | undefined): Vm {
  return isOffDuty(vm) ? startFailed(vm, at, detail) : endWith(vm, at, cause ?? 'notReady', detail);
}

/** A VM that was ended while its machine was being made learns where: its destroy goes there, and everybody can see it. */
function destroyedThere(vm: Vm, state: Destroying, { at, machine }: EventOf<'machineCreated'>): Vm {
  const placed: Vm = { ...vm, state: { ...state, machine } };
  if (machine.host === null) return placed;
  return logged(placed, at, { kind: 'state', reason: state.reason, detail: `its machine is on host ${machine.host}` });
}

/** What one host began no other goes on with: the VM asks for another machine, within the same time. */
function placeLost(vm: Vm, { at, machineId, nextMachineId, detail }: EventOf<'placeLost'>): Vm {
  if (vm.state.name !== 'creating') return vm;
  const placesLost = (vm.state.placesLost ?? 0) + 1;
  if (placesLost > MAX_PLACES_LOST) return endWith(vm, at, 'createFailed', detail);
  const state = { ...vm.state, usage: null, placesLost };
  const again: Vm = { ...vm, machineId: nextMachineId, exchangeNonce: null, state };
  return logged(again, at, { kind: 'state', detail: `instead of ${machineId}: ${detail}` });
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
    drainNotice: vm.state.wake?.tells === true ? 'pending' : 'sent',
  };
  return logged({ ...vm, state }, at, { kind: 'state', ...countDetail(usage) });
}

function countDetail(usage: Usage | null): { detail?: string } {
  return usage !== null && usage.connections > 0 ? { detail: connectionsText(usage.connections) } : {};
}

function reported(vm: Vm, event: EventOf<'report'>): Vm {
  const { state } = vm;
  if (!('usage' in state) || event.sentAt < (vm.reportsAfter ?? event.sentAt)) return vm;
  if (state.usage?.source === 'agent' && event.sequence <= state.usage.sequence) return vm;
  if (isComingBack(state)) return reportedWhileStarting(vm, state, event);
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
  if (!('usage' in state)) return vm;
  const { lease, connections, at } = event;
  const usage =
    lease === undefined
      ? recordTypedCount(state.usage, connections, at)
      : recordLeasedCount(state.usage, { connections, lease }, at);
  if (usage === null || usage === state.usage) return vm;
  if (isServing(state)) return counted(vm, state, usage, event.at);
  return { ...vm, state: { ...state, usage } };
}

function confirmAnswered(vm: Vm, event: EventOf<'confirmAnswered'>): Vm {
  const { state } = vm;
  return isServing(state) && !isOutdated(state.usage, event) ? heard(vm, state, event, true) : vm;
}

function confirmUnanswered(vm: Vm, at: number): Vm {
  const { state } = vm;
  return isServing(state) && state.confirmation ? fallSilent(vm, state, at, 'the agent gave no answer') : vm;
}

/** Only now do others need to know of the question: replicas forward the next report whatever it says. */
function confirmByReport(vm: Vm, { at, id }: EventOf<'confirmByReport'>): Vm {
  if (!isServing(vm.state) || vm.state.confirmation?.answeredBy !== 'agent') return vm;
  const named = id === undefined ? {} : { id };
  const confirmation = { ...vm.state.confirmation, answeredBy: 'report', ...named } as const;
  const detail = `before ${confirmation.reason}`;
  return logged({ ...vm, state: { ...vm.state, confirmation } }, at, { kind: 'confirming', detail });
}

/** The agent speaks: a fresh 0 confirms the end that waits for it, any word ends a silence, and it can be told again. */
function heard(
  vm: Vm,
  before: Running | Draining,
  report: EventOf<'report' | 'confirmAnswered'>,
  answersConfirmation: boolean,
): Vm {
  const { at } = report;
  const state = before.drainNotice === 'unheard' ? ({ ...before, drainNotice: 'pending' } as const) : before;
  if (state.confirmation !== null && answersConfirmation && report.connections === 0) {
    const confirmed = logged(vm, at, { kind: 'confirmed', detail: 'the agent counts 0 connections' });
    const { reason, askedAt } = state.confirmation;
    return leaveEmpty(confirmed, at, reason, whySooner(vm, reason, askedAt));
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
  const { connections } = usage;
  return logged(served, at, { kind: 'connections', detail: connectionsText(connections), connections });
}

function connectionsText(connections: number): string {
  return connections === 1 ? '1 connection' : `${String(connections)} connections`;
}

function drain(vm: Vm, at: number): Vm {
  const { state } = vm;
  if (isOffDuty(vm) && state.name === 'booting') return leaveEmpty(vm, at, 'drained', 'nobody was in yet');
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

function drainingNotified(vm: Vm, event: EventOf<'drainingNotified'>): Vm {
  const { state } = vm;
  if (!isServing(state) || state.drainNotice !== 'pending') return vm;
  if (event.draining !== (state.name === 'draining')) return vm;
  return { ...vm, state: { ...state, drainNotice: event.unheard === true ? 'unheard' : 'sent' } };
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
export function canExchange(vm: Vm, request: { machineId: string; nonce: string; instanceId?: string }): boolean {
  if (!('usage' in vm.state)) return false;
  if (!isOnInstance('machine' in vm.state ? vm.state.machine : null, request.instanceId)) return false;
  return request.machineId === vm.machineId && (vm.exchangeNonce ?? request.nonce) === request.nonce;
}

function deadline(vm: Vm, { at, endsUnasked = false, unheard }: EventOf<'deadline'>): Vm {
  const due = nextDeadline(vm);
  if (due === null || due.at > at) return vm;
  if (due.kind === 'lost' && endsUnasked) return silentTooLong(vm, at);
  const after = DUE[due.kind](vm, at);
  return due.kind === 'ready' ? heardOf(after, unheard) : after;
}

const DUE: Record<DeadlineKind, (vm: Vm, at: number) => Vm> = {
  create: (vm, at) => endWith(vm, at, 'createFailed', `no machine within ${String(TIMEOUTS.createTotalSeconds)} s`),
  ready: (vm, at) => notReady(vm, at, `not ready within ${String(vm.spec.readiness.timeoutSeconds)} s`, undefined),
  start: startOverdue,
  retention: retentionOver,
  maxLifetime: (vm, at) => endWith(vm, at, 'maxLifetime', null),
  neverConnected: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.neverConnected),
  idle: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.idle),
  softLifetime: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.softLifetime),
  drained: (vm, at) => endWhenEmpty(vm, at, EMPTY_END_REASON.drained),
  confirm: (vm, at) => (isServing(vm.state) ? fallSilent(vm, vm.state, at, 'the agent gave no answer') : vm),
  silence: (vm, at) => (isServing(vm.state) ? fallSilent(vm, vm.state, at, 'the agent is silent') : vm),
  lost: (vm) => (isServing(vm.state) ? askAgain(vm, vm.state) : vm),
  forceTimeout,
};

/** Ends an empty VM: at once when no agent can be asked, else after a fresh count. */
function endWhenEmpty(vm: Vm, at: number, reason: EndReason): Vm {
  if (!isServing(vm.state)) return vm;
  if (vm.state.usage?.source !== 'agent') return leaveEmpty(vm, at, reason, whySooner(vm, reason, at));
  const until = at + TIMEOUTS.confirmReportSeconds * 1000;
  const confirmation = { reason, answeredBy: 'agent', askedAt: at, until } as const;
  return { ...vm, state: { ...vm.state, confirmation } };
}
