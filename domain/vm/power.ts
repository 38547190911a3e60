/**
 * The rungs below `running`: a VM whose machine is stopped keeps its disk, one whose machine is suspended its memory too, and
 * a start or a create of its name brings it back.
 *
 *   running | draining | booting -> stopping -> stopped -> starting -> booting -> running
 *                                      ^------- a start that fails ----'
 *   running | draining -> suspending -> suspended -> resuming -> booting -> running
 *                                           '-> stopping, after its retention
 *
 * A machine whose start fails is stopped again, so that its disk is never lost to a try. What a person asks for last
 * holds: a start while it stops follows the stop, a stop while it starts ends the start.
 */
import { TIMEOUTS } from '../timeouts.ts';
import { connectionsAt, recordReport } from '../agent/usage.ts';
import { vmCan } from './actions.ts';
import { endWith } from './endings.ts';
import type { EventOf } from './events.ts';
import { beginImaging, startWhileImaging, stopWhileImaging, wishToClose } from './imaging.ts';
import {
  isBelowRunning,
  isComingBack,
  isServing,
  logged,
  type Booting,
  type EndReason,
  type ImageWish,
  type Resuming,
  type Starting,
  type Stopped,
  type Stopping,
  type Suspended,
  type Suspending,
  type Vm,
} from './state.ts';

/** Ends for emptiness that go by `idle.action`. */
const BY_ACTION: readonly EndReason[] = ['idle', 'neverConnected', 'drained'];

const GONE_WITH_ITS_DISK =
  'its stopped machine is gone, and what it kept with it; none replaces it, for that one would be empty';

/** What follows when nobody uses the VM any more, or a drain is through: `idle.action`. */
export function leaveEmpty(vm: Vm, at: number, reason: EndReason, detail: string | null = null): Vm {
  const { action } = vm.spec.idle;
  if (!BY_ACTION.includes(reason)) return endWith(vm, at, reason, detail);
  if (action === 'suspend') return goDown(vm, at, reason, detail, 'suspending');
  if (action !== 'stop' && action !== 'close') return endWith(vm, at, reason, detail);
  return beginStop(vm, at, reason, detail, action === 'close' ? wishToClose(vm) : undefined);
}

/** True while somebody is known to be connected: such a VM is stopped by force alone. */
export function isInUse({ state }: Vm, at: number): boolean {
  return isServing(state) && state.usage !== null && connectionsAt(state.usage, at) > 0;
}

/** Whether a stop does something, or has been done. */
export function canStop({ state }: Vm): boolean {
  return vmCan.stop(state.name) && (state.name !== 'booting' || state.wake !== undefined);
}

/** True while somebody who waits for the VM to be ready has to wait on. */
export function isOnItsWay({ state }: Vm): boolean {
  if (state.name === 'stopping') return state.then === 'start' || state.image?.then === 'start';
  if (state.name === 'suspending') return state.then === 'start';
  if (state.name === 'imaging') return state.image.then === 'start';
  return state.name === 'creating' || state.name === 'booting' || isComingBack(state);
}

/** True while the VM has a machine that keeps its disk and need not run: nothing that is said of its end is the VM's. */
export function isOffDuty({ state }: Vm): boolean {
  return isBelowRunning(state) || (state.name === 'booting' && state.wake !== undefined);
}

export function stopRequested(vm: Vm, { at, force }: EventOf<'stopRequested'>): Vm {
  const { state } = vm;
  if (!canStop(vm) || state.name === 'stopped' || (isInUse(vm, at) && force !== true)) return vm;
  if (state.name === 'imaging') return stopWhileImaging(vm, state, at);
  if (state.name !== 'stopping') return beginStop(vm, at, 'requested', null);
  const isMeant = state.then === 'start' || state.image?.then === 'start';
  if (!isMeant) return vm;
  const stays: Stopping = { ...state, then: 'stay' };
  if (state.image?.then === 'start') stays.image = { ...state.image, then: 'stay' };
  return logged({ ...vm, state: stays }, at, { kind: 'state', detail: 'stays stopped' });
}

/** Whatever it is in that does not run: one that is suspended is resumed. */
export function startRequested(vm: Vm, { at }: { at: number }): Vm {
  const { state } = vm;
  if (state.name === 'stopped' || state.name === 'suspended') return beginStart(vm, state, at);
  if (state.name === 'imaging') return startWhileImaging(vm, state, at);
  if (!isGoingDown(state) || state.then === 'start') return vm;
  const again: Stopping | Suspending = { ...state, then: 'start' };
  // Who wants it back does not want it closed; a snapshot is still made.
  if (again.image?.then === 'close') delete again.image;
  const done = state.name === 'stopping' ? 'stopped' : 'suspended';
  return logged({ ...vm, state: again }, at, { kind: 'state', detail: `starts again once it is ${done}` });
}

/** A machine that is stopped has no memory to go on with: that takes a start. */
export function resumeRequested(vm: Vm, event: EventOf<'resumeRequested'>): Vm {
  return vmCan.resume(vm.state.name) ? startRequested(vm, event) : vm;
}

export function suspendRequested(vm: Vm, { at, force }: EventOf<'suspendRequested'>): Vm {
  const { state } = vm;
  if (!vmCan.suspend(state.name) || state.name === 'suspended' || (isInUse(vm, at) && force !== true)) return vm;
  if (state.name !== 'suspending') return goDown(vm, at, 'requested', null, 'suspending');
  if (state.then === 'stay') return vm;
  return logged({ ...vm, state: { ...state, then: 'stay' } }, at, { kind: 'state', detail: 'stays suspended' });
}

function isGoingDown(state: Vm['state']): state is Stopping | Suspending {
  return state.name === 'stopping' || state.name === 'suspending';
}

export function beginStop(vm: Vm, at: number, reason: EndReason, detail: string | null, image?: ImageWish): Vm {
  return goDown(vm, at, reason, detail, 'stopping', image);
}

/** Users lose their connections: the caller has made sure that there are none, or was asked to use force. */
function goDown(
  vm: Vm,
  at: number,
  reason: EndReason,
  detail: string | null,
  name: 'stopping' | 'suspending',
  image?: ImageWish,
): Vm {
  const { state } = vm;
  if (!('machine' in state) || state.machine === null || state.name === 'destroying') return vm;
  const { machine } = state;
  const readyAt = 'readyAt' in state ? state.readyAt : null;
  const down: Stopping | Suspending = {
    ...{ name, since: at, machine, readyAt, reason, detail, then: 'stay' },
    ...lostHostOf(state),
    ...(image === undefined ? {} : { image }),
  };
  // Reports that were on their way are of before, however late they come.
  return logged({ ...vm, reportsAfter: at, state: down }, at, withDetail(reason, detail));
}

export function machineStopped(vm: Vm, { at }: EventOf<'machineStopped'>): Vm {
  return isGoingDown(vm.state) ? isDown(vm, vm.state, at, 'stopped') : vm;
}

export function machineSuspended(vm: Vm, { at }: EventOf<'machineSuspended'>): Vm {
  return vm.state.name === 'suspending' ? isDown(vm, vm.state, at, 'suspended') : vm;
}

function isDown(vm: Vm, state: Stopping | Suspending, at: number, name: 'stopped' | 'suspended'): Vm {
  const { readyAt, reason, detail } = state;
  const machine = { ...state.machine, address: null };
  const down: Stopped | Suspended = { name, since: at, machine, readyAt, reason, detail };
  const now = logged({ ...vm, state: down }, at, withDetail(reason, detail));
  const starts = state.then === 'start';
  const { image } = state;
  if (image !== undefined && down.name === 'stopped')
    return beginImaging(now, down, at, starts ? { ...image, then: 'start' } : image);
  return starts ? beginStart(now, down, at) : now;
}

/** One that somebody wanted suspended runs on; one that nobody uses goes a rung further, which its provider can do. */
export function suspendFailed(vm: Vm, { at, detail }: EventOf<'suspendFailed'>): Vm {
  const { state } = vm;
  if (state.name !== 'suspending') return vm;
  const why = `it cannot be suspended: ${detail}`;
  if (state.reason !== 'requested' && state.then !== 'start') return beginStop(vm, at, state.reason, why);
  const { machine, readyAt, reason } = state;
  const back: Resuming = {
    ...{ name: 'resuming', since: at, machine, readyAt, reason, usage: null, refused: true },
    ...lostHostOf(state),
  };
  return logged({ ...vm, state: back }, at, { kind: 'state', detail: why });
}

/** A wish does not bring a lost host back: until it answers, its VM can be ended without it. */
function lostHostOf(state: Vm['state']): { hostLost?: true } {
  return 'hostLost' in state ? { hostLost: true } : {};
}

export function beginStart(vm: Vm, from: Stopped | Suspended, at: number): Vm {
  const { machine, readyAt, reason } = from;
  const state: Starting | Resuming = {
    ...{ name: from.name === 'stopped' ? 'starting' : 'resuming', since: at, machine, readyAt, reason, usage: null },
    ...lostHostOf(from),
  };
  // Its agent begins anew: it proves itself again, and is given again what its machine has in memory alone. So does that of
  // one whose memory its provider did not keep.
  const again: Vm = { ...vm, exchangeNonce: null, startedFrom: vm.reset ?? from.name, state };
  delete again.assignedMachineId;
  return logged(again, at, { kind: 'state' });
}

export function machineStarted(vm: Vm, { at, machine, tells }: EventOf<'machineStarted'>): Vm {
  const { state } = vm;
  if (!isComingBack(state)) return vm;
  const { usage, reason } = state;
  // Its place is the same, and the zone of a host is known from the create alone.
  const placed = { ...state.machine, ...machine, zone: machine.zone ?? state.machine.zone };
  const wasSuspended = state.name === 'resuming' && state.refused !== true;
  const wake = {
    reason,
    ...(vm.reset === undefined ? {} : { reset: true as const }),
    ...(wasSuspended ? { from: 'suspended' as const } : {}),
    ...(tells === undefined ? {} : { tells }),
  };
  const booting: Booting = { name: 'booting', since: at, machine: placed, usage, wake };
  const again: Vm = { ...vm, startedAgainAt: at, state: booting };
  delete again.reset;
  return logged(again, at, { kind: 'state' });
}

/**
 * A try that fails costs nothing but itself: the machine is stopped or suspended again, and what it kept stays. One that was to
 * be reset, or was, has nothing on it that anybody wants.
 */
export function startFailed(vm: Vm, at: number, detail: string): Vm {
  const { state } = vm;
  const isReset = state.name === 'booting' ? state.wake?.reset === true : vm.reset !== undefined;
  if (isReset)
    return endWith(vm, at, 'notReady', `the machine was reset for another create, and its start failed: ${detail}`);
  const why = `the start failed: ${detail}`;
  if (state.name === 'booting' && state.wake !== undefined) {
    return goDown(vm, at, state.wake.reason, why, state.wake.from === 'suspended' ? 'suspending' : 'stopping');
  }
  if (!isComingBack(state)) return vm;
  const wasSuspended = state.name === 'resuming' && state.refused !== true;
  return goDown(vm, at, state.reason, why, wasSuspended ? 'suspending' : 'stopping');
}

/** Its disk went with it. Nobody gets an empty machine under the name of what was to be kept: the VM ends and says so. */
export function machineMissing(vm: Vm, { at, isReplaced }: EventOf<'machineMissing'>): Vm {
  const detail = isReplaced ? 'its stopped machine is gone' : GONE_WITH_ITS_DISK;
  return endWith(vm, at, 'lost', detail, isReplaced === true);
}

/** What says that the machine is gone may speak of its process alone: a stop at its place finds out. */
export function lookForMachine(vm: Vm, at: number): Vm {
  const { state } = vm;
  const look = 'looks whether its machine is still there';
  if (state.name === 'stopped') return beginStop(vm, at, state.reason, look);
  if (state.name === 'suspended') return goDown(vm, at, state.reason, look, 'suspending');
  return state.name === 'booting' ? startFailed(vm, at, 'the machine ended') : vm;
}

/** The disk is on that host and nobody waits for it: the VM stays stopped until its host is back, or it ends. */
export function hostOfDiskLost(vm: Vm, { at, lostAt }: EventOf<'hostLost'>): Vm {
  const { state } = vm;
  if (!isOffDuty(vm) || !('machine' in state) || state.machine === null) return vm;
  if (state.name === 'stopped' && state.hostLost === true) return vm;
  // It was lost before this was asked of it: it may be back and at it, so its answer is waited for.
  if ((isGoingDown(state) || isComingBack(state)) && lostAt !== undefined && lostAt <= state.since)
    return state.hostLost === true ? vm : { ...vm, state: { ...state, hostLost: true } };
  const reason = 'reason' in state ? state.reason : state.name === 'booting' ? (state.wake?.reason ?? 'lost') : 'lost';
  const machine = { ...state.machine, address: null };
  const readyAt = 'readyAt' in state ? state.readyAt : null;
  const detail = `hostLost: its disk is on the host ${machine.host ?? 'of the machine'}, which is lost`;
  const stopped: Stopped = { name: 'stopped', since: at, machine, readyAt, reason, detail, hostLost: true };
  return logged({ ...vm, state: stopped }, at, { kind: 'state', reason, detail });
}

/** One that is suspended goes to the next rung; one that is stopped ends. */
export function retentionOver(vm: Vm, at: number): Vm {
  const { state } = vm;
  if (state.name === 'suspended') {
    return beginStop(vm, at, state.reason, `suspended for ${vm.spec.idle.retentionSeconds ?? 0} s`);
  }
  if (state.name !== 'stopped' && !isGoingDown(state)) return vm;
  return endWith(vm, at, state.reason, `stopped for ${vm.spec.idle.retentionSeconds ?? 0} s`);
}

export function startOverdue(vm: Vm, at: number): Vm {
  return startFailed(vm, at, `not within ${TIMEOUTS.startTotalSeconds} s`);
}

/** A report of an agent while its machine starts: it may come before the call that starts it returns. */
export function reportedWhileStarting(vm: Vm, state: Starting | Resuming, event: EventOf<'report'>): Vm {
  return { ...vm, state: { ...state, usage: recordReport(state.usage, event, event.at) } };
}

function withDetail(reason: EndReason, detail: string | null): { kind: 'state'; reason: EndReason; detail?: string } {
  return { kind: 'state', reason, ...(detail === null ? {} : { detail }) };
}
