/**
 * The idle rule and every other deadline of a VM. One list of what may happen by itself and when; the lazy
 * timer of the workflow waits for the earliest, `next` acts on the one that is due.
 */
import { TIMEOUTS } from './timeouts.ts';
import { isServing, type Draining, type EndReason, type Running, type Vm } from './vm-state.ts';

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
  | 'letGo'
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
  if (state.name === 'creating' || state.name === 'booting') return true;
  return isServing(state) && state.confirmation?.answeredBy === 'agent';
}

/** The deadline that people are shown: the silence watchdog moves with every report and would only confuse. */
export function shownDeadline(vm: Vm): Deadline | null {
  return earliest(deadlines(vm).filter(({ kind }) => kind !== 'silence'));
}

function earliest(candidates: Deadline[]): Deadline | null {
  return candidates.reduce<Deadline | null>((best, one) => (best === null || one.at < best.at ? one : best), null);
}

function deadlines(vm: Vm): Deadline[] {
  const { state, spec } = vm;
  const maxLifetime: Deadline = { kind: 'maxLifetime', at: vm.createdAt + spec.maxLifetimeSeconds * 1000 };
  switch (state.name) {
    case 'creating':
      return [{ kind: 'create', at: state.since + TIMEOUTS.createTotalSeconds * 1000 }, maxLifetime];
    case 'booting':
      return [{ kind: 'ready', at: state.since + spec.readiness.timeoutSeconds * 1000 }, maxLifetime];
    case 'running':
    case 'draining':
      return [...servingDeadlines(vm, state), maxLifetime];
    case 'destroying':
      return state.letGoAt === null ? [] : [{ kind: 'letGo', at: state.letGoAt }];
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
  const notBefore = vm.holdUntil ?? 0;
  const deadline = (kind: DeadlineKind, at: number): Deadline => ({ kind, at: Math.max(at, notBefore) });
  if (usage === null) {
    return state.name === 'draining' ? [deadline('drained', state.since)] : [];
  }
  if (usage.emptySince === null) return [];
  // Neither the boot nor the time before the first report counts as empty.
  const emptySince = Math.max(usage.emptySince, state.readyAt);
  const found: Deadline[] = [];
  if (state.name === 'draining') found.push(deadline('drained', Math.max(state.since, emptySince)));
  if (usage.everUsed) {
    found.push(deadline('idle', emptySince + vm.spec.idle.timeoutSeconds * 1000));
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
export type AliveBecause =
  'starting' | 'connections' | 'hold' | 'confirming' | 'unknown' | 'noAgent' | 'firstConnectGrace' | 'idleGrace';

export const ALIVE_BECAUSE = [
  'starting',
  'connections',
  'hold',
  'confirming',
  'unknown',
  'noAgent',
  'firstConnectGrace',
  'idleGrace',
] as const satisfies readonly AliveBecause[];

/** Why the VM is alive at `now`; null when it is not any more. */
export function aliveBecause(vm: Vm, now: number): AliveBecause | null {
  const { state } = vm;
  if (state.name === 'creating' || state.name === 'booting') return 'starting';
  if (!isServing(state)) return null;
  if (state.silence) return 'unknown';
  if (state.confirmation) return 'confirming';
  if (state.usage !== null && state.usage.connections > 0) return 'connections';
  if (vm.holdUntil !== null && vm.holdUntil > now) return 'hold';
  if (state.usage === null) return 'noAgent';
  return state.usage.everUsed ? 'idleGrace' : 'firstConnectGrace';
}
