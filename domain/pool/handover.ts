/**
 * How a machine moves from the `warm` workflow that had it made to a VM, as two pure functions, one for each side.
 *
 *   pool -- granted --> warm <-- asked -- vm
 *                       warm -- offered --> vm           again and again until the VM answers
 *                                           vm: the host writes down that the machine is the VM's
 *                       warm <-- taken | returned -- vm
 *
 * - A machine is granted once in its life. The first VM that asks is offered it, every other one is refused.
 * - The warm workflow stays its owner until the VM has answered, so that no sweep finds a machine without an owner; it
 *   destroys what is returned, what nobody asks for in the time of the grant, and what was offered to a VM that has closed.
 * - The VM decides: once it has given up, a late offer is returned. What it had begun to take it destroys itself too.
 */
import { isOnInstance } from '../machine/proven-instance.ts';
import type { MachineFacts } from '../machine/provider.ts';
import { fieldsOf, isRecord } from '../untrusted.ts';

/** One run of the workflow of a VM: what is said to an earlier run of its name reaches no later one. */
export interface Asker {
  workflowId: string;
  runId: string;
}

/** Why a warm machine ended without a VM. */
export type WarmEnd =
  'failed' | 'expired' | 'notAskedFor' | 'returned' | 'askerClosed' | 'retired' | 'lost' | 'hostLost' | 'cancelled';

/** A warm machine as its workflow knows it. Times are epoch ms. */
export type Warm =
  | { name: 'creating' }
  | { name: 'booting'; machine: MachineFacts }
  /** `leaves`: its host takes no creates any more, and the pool has until then to make another one. */
  | { name: 'ready'; machine: MachineFacts; until: number; leaves?: true }
  | { name: 'granted'; machine: MachineFacts; request: string; until: number }
  | { name: 'offered'; machine: MachineFacts; to: Asker; hostLost: boolean }
  /** `machine`: null where nobody knows whether it was made. */
  | { name: 'destroying'; machine: MachineFacts | null; why: WarmEnd }
  | { name: 'gone'; why: WarmEnd }
  | { name: 'handedOver'; to: Asker };

export type WarmEvent =
  | { kind: 'created'; machine: MachineFacts }
  | { kind: 'booted'; until: number }
  | { kind: 'failed' }
  | { kind: 'granted'; request: string; until: number }
  | { kind: 'asked'; by: Asker }
  | { kind: 'taken'; by: Asker }
  | { kind: 'returned'; by: Asker }
  /** An offer found no such run. */
  | { kind: 'askerClosed'; by: Asker }
  /** Its time is over: that of the grant, or its own where nobody was granted it. */
  | { kind: 'timeOver' }
  /** The pool wants it no more. */
  | { kind: 'retired' }
  /** Its host takes no creates any more: one that waits goes when the pool has another one, and by `until` at the latest. */
  | { kind: 'evicted'; until: number }
  | { kind: 'cancelled' }
  | { kind: 'machineLost' }
  | { kind: 'hostLost' }
  | { kind: 'seenGone' };

/** The answer to a VM that asked, with `machine` where it is offered. */
export interface WarmReply {
  to: Asker;
  machine: MachineFacts | null;
}

export interface WarmStep {
  warm: Warm;
  reply: WarmReply | null;
}

/** Whether the workflow of a warm machine has nothing more to do. */
export function isWarmOver({ name }: Warm): boolean {
  return name === 'gone' || name === 'handedOver';
}

/**
 * Whether an agent over HTTP that proved itself may report for the machine: the first caller, as often as it asks (`granted`: its
 * nonce, null before), and never one of a machine that goes. Once a VM has it, its agent proves itself to that.
 */
export function mayExchange(
  warm: Warm,
  granted: string | null,
  { nonce, instanceId }: { nonce: string; instanceId?: string },
): boolean {
  const { name } = warm;
  const isThere = name !== 'destroying' && name !== 'gone' && name !== 'handedOver';
  return isThere && isOnInstance('machine' in warm ? warm.machine : null, instanceId) && (granted ?? nonce) === nonce;
}

/** The warm machine after an event; one that means nothing now changes nothing. */
export function nextWarm(warm: Warm, event: WarmEvent): WarmStep {
  if (isWarmOver(warm)) return still(warm);
  switch (event.kind) {
    case 'created':
      return still(created(warm, event.machine));
    case 'booted':
      return still(warm.name === 'booting' ? { name: 'ready', machine: warm.machine, until: event.until } : warm);
    case 'granted':
      return still(granted(warm, event));
    case 'asked':
      return asked(warm, event.by);
    case 'taken':
      return still(isOfferedTo(warm, event.by) ? { name: 'handedOver', to: event.by } : warm);
    case 'returned':
      return still(returned(warm, event.by));
    case 'askerClosed':
      return still(isOfferedTo(warm, event.by) ? ended(warm, 'askerClosed') : warm);
    case 'failed':
      return still(isStarting(warm) ? ended(warm, 'failed') : warm);
    case 'timeOver':
      return still(timeOver(warm));
    case 'retired':
      return still(isStarting(warm) || warm.name === 'ready' ? ended(warm, 'retired') : warm);
    case 'evicted':
      return still(evicted(warm, event.until));
    case 'cancelled':
      // A VM that was offered the machine may have it by now, and says so.
      return still(warm.name === 'offered' ? warm : ended(warm, 'cancelled'));
    case 'machineLost':
      return still(warm.name === 'offered' ? warm : ended(warm, 'lost'));
    case 'hostLost':
      return still(hostLost(warm));
    case 'seenGone':
      return still(warm.name === 'destroying' ? { name: 'gone', why: warm.why } : warm);
  }
}

function still(warm: Warm): WarmStep {
  return { warm, reply: null };
}

function isStarting({ name }: Warm): boolean {
  return name === 'creating' || name === 'booting';
}

function isOfferedTo(warm: Warm, { workflowId, runId }: Asker): boolean {
  return warm.name === 'offered' && warm.to.workflowId === workflowId && warm.to.runId === runId;
}

function created(warm: Warm, machine: MachineFacts): Warm {
  if (warm.name === 'creating') return { name: 'booting', machine };
  // It ended while it was made: its destroy goes where it is.
  return warm.name === 'destroying' && warm.machine === null ? { ...warm, machine } : warm;
}

function granted(warm: Warm, { request, until }: { request: string; until: number }): Warm {
  return warm.name === 'ready' ? { name: 'granted', machine: warm.machine, request, until } : warm;
}

function asked(warm: Warm, by: Asker): WarmStep {
  if (warm.name === 'ready' || warm.name === 'granted') {
    const { machine } = warm;
    return { warm: { name: 'offered', machine, to: by, hostLost: false }, reply: { to: by, machine } };
  }
  // The offer may have been lost.
  if (warm.name === 'offered' && isOfferedTo(warm, by)) return { warm, reply: { to: by, machine: warm.machine } };
  return { warm, reply: { to: by, machine: null } };
}

/** One that gave up before its question came, perhaps before the grant itself: what was granted to it goes. */
function returned(warm: Warm, by: Asker): Warm {
  if (warm.name === 'offered' && isOfferedTo(warm, by)) {
    return warm.hostLost ? { name: 'gone', why: 'hostLost' } : ended(warm, 'returned');
  }
  return warm.name === 'granted' || warm.name === 'ready' ? ended(warm, 'returned') : warm;
}

function timeOver(warm: Warm): Warm {
  if (warm.name === 'ready') return ended(warm, 'expired');
  return warm.name === 'granted' ? ended(warm, 'notAskedFor') : warm;
}

function evicted(warm: Warm, until: number): Warm {
  if (isStarting(warm)) return ended(warm, 'retired');
  if (warm.name !== 'ready' || warm.leaves === true) return warm;
  return { ...warm, until: Math.min(warm.until, until), leaves: true };
}

/** Nobody can ask a host that is lost for a destroy; it destroys what has no owner when it returns. */
function hostLost(warm: Warm): Warm {
  if (warm.name === 'creating') return warm;
  return warm.name === 'offered' ? { ...warm, hostLost: true } : { name: 'gone', why: 'hostLost' };
}

function ended(warm: Warm, why: WarmEnd): Warm {
  if (warm.name === 'destroying') return warm;
  return { name: 'destroying', machine: 'machine' in warm ? warm.machine : null, why };
}

/** A VM's way to a warm machine. `taking`: its host may have written down already that the machine is the VM's. */
export type Adoption =
  | { name: 'asking' }
  | { name: 'taking'; machine: MachineFacts }
  | { name: 'taken'; machine: MachineFacts }
  | { name: 'returned'; machine: MachineFacts | null; why: string };

export type AdoptionEvent =
  | { kind: 'offered'; machine: MachineFacts }
  | { kind: 'refused' }
  /** Nobody answers any more: the warm workflow has closed. */
  | { kind: 'unreachable' }
  /** No answer came in time. */
  | { kind: 'timeOver' }
  /** The VM ends. */
  | { kind: 'ended' }
  /** Its host wrote down that the machine is the VM's. */
  | { kind: 'placed' }
  /** Its host did not, or nobody knows whether it did. */
  | { kind: 'notPlaced'; why: string };

export interface AdoptionStep {
  adoption: Adoption;
  /** What the VM answers the warm workflow. */
  tell: 'taken' | 'returned' | null;
}

/** The adoption of a VM whose history began after it: what it has it took, everything else it gave back. */
export function adoptionOfLater(machine: MachineFacts | null): Adoption {
  return machine === null ? { name: 'returned', machine, why: 'it has another machine' } : { name: 'taken', machine };
}

/** The adoption after an event. A repeated or late offer gets the answer that was given before. */
export function nextAdoption(adoption: Adoption, event: AdoptionEvent): AdoptionStep {
  switch (adoption.name) {
    case 'asking':
      return answered(adoption, event);
    case 'taking':
      if (event.kind === 'placed') return { adoption: { ...adoption, name: 'taken' }, tell: 'taken' };
      if (event.kind === 'notPlaced') return givenUp(adoption.machine, event.why);
      return event.kind === 'ended' ? givenUp(adoption.machine, 'the VM ended') : { adoption, tell: null };
    case 'taken':
    case 'returned':
      return { adoption, tell: event.kind === 'offered' ? adoption.name : null };
  }
}

function answered(adoption: Adoption, event: AdoptionEvent): AdoptionStep {
  switch (event.kind) {
    case 'offered':
      return { adoption: { name: 'taking', machine: event.machine }, tell: null };
    case 'refused':
      return { adoption: { name: 'returned', machine: null, why: 'another VM has it' }, tell: null };
    case 'unreachable':
      return { adoption: { name: 'returned', machine: null, why: 'it is gone' }, tell: null };
    case 'timeOver':
      return givenUp(null, 'its owner did not answer in time');
    case 'ended':
      return givenUp(null, 'the VM ended');
    case 'placed':
    case 'notPlaced':
      return { adoption, tell: null };
  }
}

function givenUp(machine: MachineFacts | null, why: string): AdoptionStep {
  return { adoption: { name: 'returned', machine, why }, tell: 'returned' };
}

export function isAsker(value: unknown): value is Asker {
  const { workflowId, runId } = fieldsOf(value);
  return typeof workflowId === 'string' && typeof runId === 'string';
}

/** Whether a value can be what a warm workflow answers: of a machine, that machine or null where another VM has it. */
export function isAdoptAnswer(value: unknown): value is { machineId: string; machine: MachineFacts | null } {
  const { machineId, machine } = fieldsOf(value);
  return typeof machineId === 'string' && (machine === null || isMachine(machine, machineId));
}

function isMachine(value: unknown, itsId: string): boolean {
  const { machineId, provider, host, zone, address, queue } = fieldsOf(value);
  const isPlace = [host, zone].every((place) => place === null || typeof place === 'string');
  const isQueue = queue === undefined || typeof queue === 'string';
  return machineId === itsId && typeof provider === 'string' && isPlace && isQueue && isAddress(address);
}

function isAddress(value: unknown): boolean {
  if (value === null) return true;
  const { ip, ports } = fieldsOf(value);
  return typeof ip === 'string' && Array.isArray(ports) && ports.every(isRecord);
}
