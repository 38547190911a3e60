import type { CreateOutcome } from '../template/events.ts';
import { hasEnded, type Vm } from './state.ts';

/** What the template of a VM learns from its first start; null while nobody knows, `nothing` where it tells nothing. */
export function createOutcome(vm: Vm): CreateOutcome | 'nothing' | null {
  const { state } = vm;
  if ('readyAt' in state && state.readyAt !== null) return { name: 'ready' };
  if (state.name !== 'destroying' && !hasEnded(state)) return null;
  const isNotReady = state.reason === 'notReady' && vm.startUnheard !== true;
  const isAtFault = isNotReady || (state.reason === 'createFailed' && vm.specRefused === true);
  if (!isAtFault) return 'nothing';
  const detail = 'detail' in state ? state.detail : null;
  return { name: 'failed', detail: detail === null ? state.reason : `${state.reason}: ${detail}` };
}
