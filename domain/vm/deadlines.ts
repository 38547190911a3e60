/**
 * The idle rule and every other deadline of a VM. One list of what may happen by itself and when; the lazy
 * timer of the workflow waits for the earliest, `next` acts on the one that is due.
 */
import { TIMEOUTS } from '../timeouts.ts';
import { idleEnd, newerVersion } from './roll-over.ts';
import { isComingBack, isServing, type Draining, type EndReason, type Running, type Vm } from './state.ts';

export type DeadlineKind =
  | 'create'
  | 'ready'
  | 'neverConnected'
  | 'idle'
  | 'softLifetime'
  | 'drained'
  | 'confirm'
  | 'silence'
  | 'lost'
  | 'start'
  | 'retention'
  | 'forceTimeout'
  | 'maxLifetime';

/** Something that happens by itself at `at` (epoch ms) unless an event moves it. */
export interface Deadline {
  at: number;
  kind: DeadlineKind;
}

/** Deadlines at which an empty VM ends, each with its reason. */
export const EMPTY_END_REASON = {
  neverConnected: 'neverConnected',
  idle: 'idle',
  softLifetime: 'softLifetime',
  drained: 'drained',
} as const satisfies Partial<Record<DeadlineKind, EndReason>>;

/** The earliest deadline of a VM, or null when nothing happens by itself any more. */
export function nextDeadline(vm: Vm): Deadline | null {
  return earliest(deadlines(vm));
}

/**
 * Whether somebody else already ends the wait: an activity runs whose own time-out is {@link nextDeadline}, so
 * the workflow needs no timer beside it.
 */
export function isTimedByActivity({ state }: Vm): boolean {
  if (state.name === 'creating' || state.name === 'booting' || isComingBack(state)) return true;
  return isServing(state) && state.confirmation?.answeredBy === 'agent';
}

/**
 * The deadline that people are shown. What moves with every report would only confuse: the silence watchdog, and when the VM would
 * count as empty if whoever counts its users on a lease said no more.
 */
export function shownDeadline(vm: Vm): Deadline | null {
  const usage = 'usage' in vm.state ? vm.state.usage : null;
  const isUsed = usage !== null && usage.connections > 0;
  return earliest(deadlines(vm).filter(({ kind }) => kind !== 'silence' && !(isUsed && kind in EMPTY_END_REASON)));
}

function earliest(candidates: Deadline[]): Deadline | null {
  return candidates.reduce<Deadline | null>((best, one) => (best === null || one.at < best.at ? one : best), null);
}

function deadlines(vm: Vm): Deadline[] {
  const { state, spec } = vm;
  const { maxLifetimeSeconds, idle } = spec;
  const maxLifetime: Deadline[] =
    maxLifetimeSeconds === null ? [] : [{ kind: 'maxLifetime', at: vm.createdAt + maxLifetimeSeconds * 1000 }];
  const retention = (since: number): Deadline[] =>
    idle.retentionSeconds === undefined ? [] : [{ kind: 'retention', at: since + idle.retentionSeconds * 1000 }];
  switch (state.name) {
    case 'creating':
      return [{ kind: 'create', at: state.since + TIMEOUTS.createTotalSeconds * 1000 }, ...maxLifetime];
    case 'booting':
      return [{ kind: 'ready', at: state.since + spec.readiness.timeoutSeconds * 1000 }, ...maxLifetime];
    case 'running':
    case 'draining':
      return [...servingDeadlines(vm, state), ...maxLifetime];
    case 'stopping':
    case 'suspending':
      // One that a lost host has to stop is stopped for all that anybody can tell.
      return [...(state.hostLost === true ? retention(state.since) : []), ...maxLifetime];
    case 'stopped':
    case 'suspended':
      return [...retention(state.since), ...maxLifetime];
    case 'imaging':
      // It takes a limited time, and what a close is about to keep is worth more than the end of a longest life.
      return [];
    case 'starting':
    case 'resuming':
      return [{ kind: 'start', at: state.since + TIMEOUTS.startTotalSeconds * 1000 }, ...maxLifetime];
    case 'destroying':
      return state.forceTimeoutAt === null ? [] : [{ kind: 'forceTimeout', at: state.forceTimeoutAt }];
    case 'destroyed':
    case 'failed':
      return [];
  }
}

function servingDeadlines(vm: Vm, state: Running | Draining): Deadline[] {
  if (state.confirmation) return [{ kind: 'confirm', at: state.confirmation.until }];
  if (state.silence) return state.silence.graceUntil === null ? [] : [{ kind: 'lost', at: state.silence.graceUntil }];
  const found = emptyDeadlines(vm, state);
  if (state.usage?.source === 'agent') {
    const at = state.usage.reportedAt + vm.spec.idle.silenceTimeoutSeconds * 1000;
    found.push({ kind: 'silence', at });
  }
  return found;
}

/** When an empty VM ends. Without any report there is no idle rule, and a hold postpones each of these. */
function emptyDeadlines(vm: Vm, state: Running | Draining): Deadline[] {
  const { usage } = state;
  const stays = vm.spec.idle.action === 'none';
  const notBefore = vm.holdUntil ?? 0;
  const deadline = (kind: DeadlineKind, at: number): Deadline => ({ kind, at: Math.max(at, notBefore) });
  if (usage === null) {
    return state.name === 'draining' && !stays ? [deadline('drained', state.since)] : [];
  }
  if (usage.emptySince === null) return [];
  // Neither the boot nor the time before the first report counts as empty.
  const emptySince = Math.max(usage.emptySince, state.readyAt);
  const found: Deadline[] = [];
  if (state.name === 'draining' && !stays) found.push(deadline('drained', Math.max(state.since, emptySince)));
  if (stays) {
    // Nobody's absence ends it.
  } else if (usage.everUsed) {
    found.push(deadline('idle', idleEnd(vm, emptySince)));
  } else {
    found.push(deadline('neverConnected', emptySince + vm.spec.idle.firstConnectTimeoutSeconds * 1000));
  }
  if (vm.spec.softLifetimeSeconds !== null) {
    const softEnd = vm.createdAt + vm.spec.softLifetimeSeconds * 1000;
    found.push(deadline('softLifetime', Math.max(softEnd, emptySince)));
  }
  return found;
}

/** Why a VM is still alive, in one word. */
export const ALIVE_BECAUSE = [
  'starting',
  'stopped',
  'suspended',
  'connections',
  'hold',
  'confirming',
  'unknown',
  'noAgent',
  'stays',
  'firstConnectGrace',
  'idleGrace',
  'rollOverGrace',
] as const;
export type AliveBecause = (typeof ALIVE_BECAUSE)[number];

/** Why the VM is alive at `now`; null when it is not any more. */
export function aliveBecause(vm: Vm, now: number): AliveBecause | null {
  const { state } = vm;
  if (state.name === 'creating' || state.name === 'booting' || isComingBack(state)) return 'starting';
  if (state.name === 'suspending' || state.name === 'suspended') return 'suspended';
  if (state.name === 'stopping' || state.name === 'stopped' || state.name === 'imaging') return 'stopped';
  if (!isServing(state)) return null;
  if (state.silence) return 'unknown';
  if (state.confirmation) return 'confirming';
  if (state.usage !== null && state.usage.connections > 0) return 'connections';
  if (vm.holdUntil !== null && vm.holdUntil > now) return 'hold';
  if (vm.spec.idle.action === 'none') return 'stays';
  if (state.usage === null) return 'noAgent';
  if (!state.usage.everUsed) return 'firstConnectGrace';
  return newerVersion(vm) === undefined ? 'idleGrace' : 'rollOverGrace';
}
