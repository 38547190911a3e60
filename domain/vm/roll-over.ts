/**
 * A VM whose template has a newer version, and is to make room for that as soon as nobody uses it (decision 0072). It ends as every
 * idle VM does, only sooner: after a fresh count of its agent, and by its own `idle.action`.
 */
import { TIMEOUTS } from '../timeouts.ts';
import { fieldsOf, isWhole } from '../untrusted.ts';
import type { EventOf } from './events.ts';
import { isBelowRunning, isServing, logged, type EndReason, type RollOverOrder, type Vm } from './state.ts';

/** The order in the argument of a signal, which anyone with a CLI may send; undefined where it is none. */
export function rollOverOrderOf(value: unknown): RollOverOrder | undefined {
  const { below, revision } = fieldsOf(value);
  const areNumbers = isWhole(below, 0, Number.MAX_SAFE_INTEGER) && isWhole(revision, 0, Number.MAX_SAFE_INTEGER);
  return areNumbers ? { below, revision } : undefined;
}

/**
 * The version of its template that the VM makes room for; undefined where it stays as long as it would anyway: whoever named its
 * version wants that one, and nothing that is stopped or that nobody's absence ends is touched.
 */
export function newerVersion({ rollOver, pinned, spec, state }: Vm): number | undefined {
  if (rollOver === undefined || pinned === true || spec.template === null) return undefined;
  if (spec.idle.action === 'none' || isBelowRunning(state)) return undefined;
  return spec.template.version < rollOver.below ? rollOver.below : undefined;
}

/** When a VM that was used ends as idle, epoch ms: never later than without a newer version. */
export function idleEnd(vm: Vm, emptySince: number): number {
  const usual = emptySince + vm.spec.idle.timeoutSeconds * 1000;
  if (vm.rollOver === undefined || newerVersion(vm) === undefined) return usual;
  // Whoever looks, or comes back, has as long after the news as after the last user.
  return Math.min(usual, Math.max(emptySince, vm.rollOver.since) + TIMEOUTS.rollOverIdleSeconds * 1000);
}

/** Why an idle end comes at `at` (epoch ms) already; null where it is due by `idle.timeoutSeconds` too, or is no idle end. */
export function whySooner(vm: Vm, reason: EndReason, at: number): string | null {
  const version = newerVersion(vm);
  if (version === undefined || reason !== 'idle' || !isServing(vm.state)) return null;
  const { usage, readyAt } = vm.state;
  const emptySince = Math.max(usage?.emptySince ?? at, readyAt);
  return at < emptySince + vm.spec.idle.timeoutSeconds * 1000 ? servesText(vm, version) : null;
}

export function rollOver(vm: Vm, { at, below, revision }: EventOf<'rollOver'>): Vm {
  if (vm.state.name === 'destroying' && vm.state.then === 'end') return vm;
  if (vm.rollOver !== undefined && revision <= vm.rollOver.revision) return vm;
  const was = newerVersion(vm);
  const since = was === undefined || vm.rollOver === undefined ? at : vm.rollOver.since;
  const told: Vm = { ...vm, rollOver: { below, revision, since } };
  const is = newerVersion(told);
  if (is === was) return told;
  if (is === undefined) return logged(asked(told), at, { kind: 'version', detail: 'it need not make room any more' });
  const seconds = TIMEOUTS.rollOverIdleSeconds;
  const detail = `${servesText(vm, is)}: once nobody has used it for ${seconds} s, idle.action follows`;
  return logged(told, at, { kind: 'version', detail });
}

/** A question that only an earlier end asked comes again when it is due. */
function asked(vm: Vm): Vm {
  const { state } = vm;
  return isServing(state) && state.confirmation?.reason === 'idle'
    ? { ...vm, state: { ...state, confirmation: null } }
    : vm;
}

/**
 * Whoever asked for the VM, and got it back or was given it, has it for as long as its spec says. An order of before that may
 * reach it only later: it was stopped when its template looked for VMs, or the worker that looks was away.
 */
export function forWhoeverAsked(before: Vm, after: Vm, at: number): Vm {
  if (after === before || after.spec.template === null) return after;
  const { revision = 0, since = at } = after.rollOver ?? {};
  return { ...after, rollOver: { below: 0, revision: Math.max(revision, at), since } };
}

function servesText({ spec }: Vm, version: number): string {
  return `version ${version} of the template ${spec.template?.name ?? ''} serves`;
}
