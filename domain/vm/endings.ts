/** How a VM ends, or gets another machine: the part of `next` that leads into `destroying` and out of it. */
import type { MachineEndCause } from '../machine/provider.ts';
import { TIMEOUTS } from '../timeouts.ts';
import type { EventOf } from './events.ts';
import {
  FAILED_REASONS,
  MAX_REPLACEMENTS,
  hasEnded,
  isServing,
  logged,
  type Destroying,
  type EndReason,
  type Vm,
} from './state.ts';

/**
 * The only way out of every live state: destroy the machine. The first reason stays, but a wish ends a replacement.
 * `mayReplace`: a lost machine gives way to a new one where the spec says so.
 */
export function endWith(vm: Vm, at: number, reason: EndReason, detail: string | null, mayReplace = true): Vm {
  const { state } = vm;
  if (hasEnded(state)) return vm;
  if (state.name === 'destroying' && state.then === 'end') return vm;
  const isLoss = reason === 'lost' || reason === 'preempted';
  const isReplaced = mayReplace && isLoss && vm.spec.onLost === 'recreate' && vm.replacements < MAX_REPLACEMENTS;
  const destroying: Destroying = {
    name: 'destroying',
    since: at,
    reason,
    detail,
    machine: state.name === 'creating' ? null : state.machine,
    readyAt: 'readyAt' in state ? state.readyAt : null,
    then: isReplaced ? 'recreate' : 'end',
    // On a lost host nobody may ever destroy it; one that is back does so in that time.
    forceTimeoutAt: isOnLostHost(state) ? at + TIMEOUTS.forcedDestroySeconds * 1000 : null,
  };
  return logged({ ...vm, state: destroying }, at, { kind: 'state', reason, ...(detail === null ? {} : { detail }) });
}

function isOnLostHost(state: Vm['state']): boolean {
  return 'hostLost' in state && state.hostLost;
}

/** A destroy like any other, but tried for a limited time, counted from when it began. A repeat changes nothing. */
export function force(vm: Vm, at: number): Vm {
  const begunAt = vm.state.name === 'destroying' ? vm.state.since : at;
  const ending = endWith(vm, at, 'requested', null);
  if (ending.state.name !== 'destroying' || ending.state.forceTimeoutAt !== null) return ending;
  const forceTimeoutAt = Math.max(at, begunAt + TIMEOUTS.forcedDestroySeconds * 1000);
  const forced = `forced: a machine that is not gone in ${Math.round((forceTimeoutAt - at) / 1000)} s is left to the sweeper`;
  const detail = ending.state.detail === null ? forced : `${ending.state.detail}; ${forced}`;
  const state: Destroying = { ...ending.state, forceTimeoutAt, detail };
  return logged({ ...ending, state }, at, { kind: 'forced', detail: forced });
}

/** The end without a confirmed destroy. It fails, for `destroyed` is a promise that the machine is gone. */
export function forceTimeout(vm: Vm, at: number): Vm {
  if (vm.state.name !== 'destroying') return vm;
  const { reason, readyAt } = vm.state;
  const detail = `forced: ${vm.machineId} was not seen gone; the sweeper removes what is left of it`;
  const state = { name: 'failed', since: at, reason, detail, readyAt } as const;
  return logged({ ...vm, state }, at, { kind: 'state', reason, detail });
}

export function machineGone(vm: Vm, event: EventOf<'machineGone'>): Vm {
  if (vm.state.name !== 'destroying') return vm;
  const { at } = event;
  if (vm.state.then === 'recreate') {
    if (at < maxLifetimeEnd(vm)) return replaced(vm, event);
    return machineGone({ ...vm, state: { ...vm.state, reason: 'maxLifetime', detail: null, then: 'end' } }, event);
  }
  const { reason, detail, readyAt } = vm.state;
  const failed = FAILED_REASONS.includes(reason);
  const state = failed
    ? ({ name: 'failed', since: at, reason, detail, readyAt } as const)
    : ({ name: 'destroyed', since: at, reason, readyAt } as const);
  return logged({ ...vm, state }, at, { kind: 'state', reason });
}

/** When a VM ends whatever is said, epoch ms; one that stays never does. */
function maxLifetimeEnd({ createdAt, spec: { maxLifetimeSeconds } }: Vm): number {
  return maxLifetimeSeconds === null ? Infinity : createdAt + maxLifetimeSeconds * 1000;
}

/** The same VM with a new machine: whatever the lost one still says is fenced by its id. */
function replaced(vm: Vm, { at, machineId, nextMachineId }: EventOf<'machineGone'>): Vm {
  const state = { name: 'creating', since: at, usage: null } as const;
  const replacements = vm.replacements + 1;
  const again: Vm = { ...vm, machineId: nextMachineId, exchangeNonce: null, replacements, startedFrom: 'new', state };
  delete again.reportsAfter;
  delete again.startedAgainAt;
  const loss = vm.state.name === 'destroying' ? vm.state.reason : 'lost';
  const detail = `replaces ${machineId}, which was ${loss} (${replacements} of at most ${MAX_REPLACEMENTS})`;
  return logged(again, at, { kind: 'state', detail });
}

/**
 * A VM with a machine there counts it as gone: no destroy can reach it. One whose machine is still being made learns of it
 * by its create.
 */
export function hostLost(vm: Vm, event: EventOf<'hostLost'>): Vm {
  const { state } = vm;
  if (state.name !== 'booting' && state.name !== 'destroying' && !isServing(state)) return vm;
  const host = state.machine?.host ?? 'of the machine';
  const ending = endWith(vm, event.at, 'lost', `hostLost: the host ${host} is lost, and the machine with it`);
  return machineGone(ending, { ...event, kind: 'machineGone' });
}

export function goneText(cause: MachineEndCause | undefined): string {
  return cause === 'preempted' ? 'the provider took the machine back' : 'the machine is gone';
}
