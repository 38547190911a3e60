/**
 * A VM that drains may be given to another create instead of ending (decision 0055), and one that nobody uses after its machine
 * was reset (decision 0056). Its workflow alone decides, so however many ask at once, one of them gets it.
 */
import type { EventOf } from './events.ts';
import { beginStart, beginStop, isOnItsWay } from './power.ts';
import { logged, type Running, type Usage, type Vm } from './state.ts';
import type { VmSpec } from './spec.ts';

/** What both sides look at: the replica of the API that asks, and the VM that answers. */
interface Lifetime {
  spec: Pick<VmSpec, 'idle' | 'maxLifetimeSeconds' | 'softLifetimeSeconds'>;
  /** Epoch ms. */
  createdAt: number;
}

/** Whether enough is left of its life for somebody who is given it now and has yet to connect. Times in epoch ms. */
export function hasTimeForAnother({ spec, createdAt }: Lifetime, now: number): boolean {
  const { idle, maxLifetimeSeconds, softLifetimeSeconds } = spec;
  const comesBy = now + idle.firstConnectTimeoutSeconds * 1000;
  return [maxLifetimeSeconds, softLifetimeSeconds].every(
    (seconds) => seconds === null || createdAt + seconds * 1000 > comesBy,
  );
}

export interface Claim {
  claim: string;
  /** The machine without a trace of whoever was in it; else with its users. */
  reset: boolean;
  /** Epoch ms. */
  at: number;
}

/** Whether the VM can be given to this claim, or was. A count that nobody knows is no promise to anybody. */
export function canBeTakenBack(vm: Vm, { claim, reset, at }: Claim): boolean {
  const { state } = vm;
  if (vm.claim === claim && (state.name === 'running' || isOnItsWay(vm))) return true;
  if (vm.unnamed !== true || !hasTimeForAnother(vm, at)) return false;
  if (state.name === 'stopped') return reset && state.hostLost === undefined;
  if (state.name !== 'draining' || state.silence !== null) return false;
  // Its agent has to know that it admits nobody, else somebody may come in this moment.
  return !reset || (state.usage?.connections === 0 && state.drainNotice === 'sent');
}

/** The VM serves on, or starts again with a machine that was reset; whoever was given it has as long to come as with a new one. */
export function takenBack(vm: Vm, event: EventOf<'takenBack'>): Vm {
  const { state } = vm;
  const { at, claim } = event;
  const reset = event.reset === true;
  if (!canBeTakenBack(vm, { claim, reset, at })) return vm;
  // A hold was of what is gone now: it would keep a VM that nobody comes to.
  const anew: Vm = { ...vm, claim, holdUntil: null, resetAt: at };
  if (state.name === 'stopped') return beginStart({ ...anew, reset: 'stopped' }, { ...state, readyAt: null }, at);
  if (state.name !== 'draining') return vm;
  if (reset) return resetAfterStop({ ...anew, startedFrom: 'drained', reset: 'drained' }, at);
  const running: Running = {
    ...{ ...state, name: 'running', since: at },
    ...{ usage: awaited(state.usage, at), confirmation: null, drainNotice: 'pending' },
  };
  const given: Vm = { ...vm, claim, startedFrom: 'drained', state: running };
  return logged(given, at, { kind: 'state', detail: 'given to another create' });
}

function resetAfterStop(vm: Vm, at: number): Vm {
  const stopping = beginStop(vm, at, 'drained', 'given to another create, which gets it reset');
  if (stopping.state.name !== 'stopping') return stopping;
  return { ...stopping, state: { ...stopping.state, readyAt: null, then: 'start' } };
}

function awaited(usage: Usage | null, at: number): Usage | null {
  return usage === null || usage.connections > 0 ? usage : { ...usage, emptySince: at, everUsed: false };
}
