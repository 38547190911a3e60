/**
 * The lifecycle of a VM as one pure function: `next(vm, event)`.
 *
 *   creating -> booting -> running <-> draining -> destroying -> destroyed | failed
 *
 * Who owns which fact: the agent owns the count, the provider owns whether the machine exists, the workflow
 * owns everything else. Races it settles:
 * - a report of an earlier machine, or an older one, arrives late: `machineId` and `sequence` fence it;
 * - somebody connects while the idle deadline fires: the end is confirmed with a fresh count first;
 * - several ends come at once: the first reason stays;
 * - the end comes while the machine is still being made: the undo of a phase is always the same destroy.
 */
import { EMPTY_END_REASON, nextDeadline, type DeadlineKind } from './deadlines.ts';
import { TIMEOUTS } from './timeouts.ts';
import { recordReport, recordTypedCount } from './usage.ts';
import type { VmEvent } from './vm-events.ts';
import {
  FAILED_REASONS,
  TIMELINE_LIMIT,
  hasEnded,
  isServing,
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
  if (isOfAnotherMachine(vm, event)) return vm;
  switch (event.kind) {
    case 'machineCreated':
      return machineCreated(vm, event);
    case 'createFailed':
      return vm.state.name === 'creating' ? endWith(vm, event.at, 'createFailed', event.detail) : vm;
    case 'machineReady':
      return vm.state.name === 'booting' ? machineReady(vm, event.at, event.usage) : vm;
    case 'notReady':
      return vm.state.name === 'booting' ? endWith(vm, event.at, 'notReady', event.detail) : vm;
    case 'report':
      return reported(vm, event);
    case 'connections':
      return typedConnections(vm, event);
    case 'confirmAnswered':
      return confirmAnswered(vm, event);
    case 'confirmUnanswered':
      return isServing(vm.state) && vm.state.confirmation
        ? fallSilent(vm, vm.state, event.at, 'the agent gave no answer')
        : vm;
    case 'probed':
      return probed(vm, event);
    case 'machineLost':
      return vm.state.name === 'booting' || isServing(vm.state)
        ? endWith(vm, event.at, 'lost', 'the machine is gone')
        : vm;
    case 'drain':
      return drain(vm, event.at);
    case 'undrain':
      return undrain(vm, event.at);
    case 'drainingTold':
      return isServing(vm.state) && event.draining === (vm.state.name === 'draining')
        ? { ...vm, state: { ...vm.state, drainNotice: 'sent' } }
        : vm;
    case 'hold':
      return hold(vm, event);
    case 'exchanged':
      return canExchange(vm, event) ? { ...vm, exchangeNonce: event.nonce } : vm;
    case 'destroyRequested':
      return endWith(vm, event.at, 'requested', null);
    case 'cancelled':
      return endWith(vm, event.at, 'cancelled', null);
    case 'deadline':
      return deadline(vm, event.at);
    case 'machineGone':
      return vm.state.name === 'destroying' ? machineGone(vm, event.at) : vm;
  }
}

function isOfAnotherMachine(vm: Vm, event: VmEvent): boolean {
  if (event.kind === 'machineCreated') return event.machine.machineId !== vm.machineId;
  return 'machineId' in event && event.machineId !== vm.machineId;
}

function machineCreated(vm: Vm, event: EventOf<'machineCreated'>): Vm {
  if (vm.state.name !== 'creating') return vm;
  const state = { name: 'booting', since: event.at, machine: event.machine, usage: null } as const;
  return logged({ ...vm, state }, event.at, { kind: 'state' });
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
  if (state.name === 'booting') {
    if (vm.spec.readiness.kind === 'agent') return machineReady(vm, event.at, event);
    return { ...vm, state: { ...state, usage: recordReport(state.usage, event, event.at) } };
  }
  if (!isServing(state)) return vm;
  if (state.usage !== null && event.sequence <= state.usage.sequence) return vm;
  const answersConfirmation = state.confirmation !== null && event.sentAt >= state.confirmation.askedAt;
  return counted(vm, state, recordReport(state.usage, event, event.at), event.at, answersConfirmation);
}

function typedConnections(vm: Vm, event: EventOf<'connections'>): Vm {
  const { state } = vm;
  if (state.name === 'booting') {
    return { ...vm, state: { ...state, usage: recordTypedCount(state.usage, event.connections, event.at) } };
  }
  if (!isServing(state)) return vm;
  return counted(vm, state, recordTypedCount(state.usage, event.connections, event.at), event.at, false);
}

function confirmAnswered(vm: Vm, event: EventOf<'confirmAnswered'>): Vm {
  const { state } = vm;
  if (!isServing(state)) return vm;
  return counted(vm, state, recordReport(state.usage, event, event.at), event.at, true);
}

/** Takes a new count: ends a silence, settles a confirmation, notes an edge. */
function counted(vm: Vm, state: Running | Draining, usage: Usage, at: number, answersConfirmation: boolean): Vm {
  const { confirmation } = state;
  if (confirmation !== null && answersConfirmation && usage.connections === 0) {
    const confirmed = logged(vm, at, { kind: 'confirmed', detail: 'the agent counts 0 connections' });
    return endWith(confirmed, at, confirmation.reason, null);
  }
  const settled = confirmation !== null && usage.connections > 0 ? null : confirmation;
  const served: Running | Draining = { ...state, usage, confirmation: settled, silence: null };
  let counted_: Vm = { ...vm, state: served };
  if (state.silence) counted_ = logged(counted_, at, { kind: 'health', detail: 'the agent reports again' });
  if ((state.usage?.connections ?? -1) === usage.connections) return counted_;
  return logged(counted_, at, { kind: 'connections', detail: connectionsText(usage.connections) });
}

function connectionsText(connections: number): string {
  return connections === 1 ? '1 connection' : `${String(connections)} connections`;
}

function probed(vm: Vm, event: EventOf<'probed'>): Vm {
  const { state } = vm;
  if (!isServing(state) || state.silence === null) return vm;
  if (!event.alive) return endWith(vm, event.at, 'lost', 'the agent fell silent and the machine is gone');
  return { ...vm, state: { ...state, silence: { ...state.silence, probe: 'alive' } } };
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

function hold(vm: Vm, event: EventOf<'hold'>): Vm {
  if (vm.state.name === 'destroying') return vm;
  const holdUntil = event.seconds === 0 ? null : event.at + event.seconds * 1000;
  const detail = event.seconds === 0 ? 'released' : `${String(event.seconds)} s`;
  const held: Vm = { ...vm, holdUntil };
  if (event.seconds > 0 && isServing(held.state) && held.state.confirmation) {
    held.state = { ...held.state, confirmation: null };
  }
  return logged(held, event.at, { kind: 'hold', detail });
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
};

/** Ends an empty VM: at once when no agent can be asked, else after a fresh count. */
function endWhenEmpty(vm: Vm, at: number, reason: EndReason): Vm {
  if (!isServing(vm.state)) return vm;
  if (vm.state.usage?.source !== 'agent') return endWith(vm, at, reason, null);
  const confirmation = { reason, askedAt: at, until: at + TIMEOUTS.confirmReportSeconds * 1000 };
  return logged({ ...vm, state: { ...vm.state, confirmation } }, at, {
    kind: 'confirming',
    detail: `before ${reason}`,
  });
}

function fallSilent(vm: Vm, state: Running | Draining, at: number, detail: string): Vm {
  const graceUntil = at + vm.spec.idle.silenceTimeoutSeconds * 1000;
  const silent: Serving = { ...state, confirmation: null, silence: { since: at, graceUntil, probe: 'pending' } };
  return logged({ ...vm, state: { ...state, ...silent } }, at, { kind: 'health', detail: `unknown: ${detail}` });
}

/** The only way out of every live state: destroy the machine. The first reason stays. */
function endWith(vm: Vm, at: number, reason: EndReason, detail: string | null): Vm {
  const { state } = vm;
  if (state.name === 'destroying' || hasEnded(state)) return vm;
  const destroying = {
    name: 'destroying',
    since: at,
    reason,
    detail,
    machine: state.name === 'creating' ? null : state.machine,
    readyAt: isServing(state) ? state.readyAt : null,
  } as const;
  return logged({ ...vm, state: destroying }, at, { kind: 'state', reason, ...(detail === null ? {} : { detail }) });
}

function machineGone(vm: Vm, at: number): Vm {
  if (vm.state.name !== 'destroying') return vm;
  const { reason, detail, readyAt } = vm.state;
  const failed = FAILED_REASONS.includes(reason);
  const state = failed
    ? ({ name: 'failed', since: at, reason, detail, readyAt } as const)
    : ({ name: 'destroyed', since: at, reason, readyAt } as const);
  return logged({ ...vm, state }, at, { kind: 'state', reason });
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
