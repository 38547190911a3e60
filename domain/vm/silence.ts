/**
 * The silence of an agent: its count is unknown then, which is not idle. The provider is asked whether the machine runs, and
 * only an agent that stays silent past its grace and a second probe costs the VM.
 */
import { endWith, goneText } from './endings.ts';
import type { EventOf } from './events.ts';
import { isServing, logged, type Draining, type Running, type Serving, type Vm } from './state.ts';

export function fallSilent(vm: Vm, state: Running | Draining, at: number, detail: string): Vm {
  const silence = { since: at, graceUntil: null, probe: 'pending' } as const;
  const silent: Serving = { ...state, confirmation: null, silence };
  return logged({ ...vm, state: { ...state, ...silent } }, at, { kind: 'health', detail: `unknown: ${detail}` });
}

export function probed(vm: Vm, event: EventOf<'probed'>): Vm {
  const { state } = vm;
  if (!isServing(state) || state.silence === null) return vm;
  if (!event.alive) {
    const said = state.silence.hearsay ? '' : 'the agent fell silent: ';
    return endWith(vm, event.at, event.cause ?? 'lost', `${said}${goneText(event.cause)}`);
  }
  if (state.silence.hearsay) return thereAfterAll(vm, state, event.at);
  if (state.silence.probe === 'alive') return vm;
  if (state.silence.probe === 'again') return silentTooLong(vm, event.at);
  const graceUntil = event.at + vm.spec.idle.silenceTimeoutSeconds * 1000;
  return { ...vm, state: { ...state, silence: { ...state.silence, graceUntil, probe: 'alive' } } };
}

/** Nobody is silent: the provider alone decides, and one that sees the machine ends the question. */
export function saidToBeGone(vm: Vm, state: Running | Draining, at: number): Vm {
  if (state.silence !== null && state.silence.probe !== 'alive') return vm;
  if (state.silence !== null) return { ...vm, state: { ...state, silence: { ...state.silence, probe: 'pending' } } };
  const silence = { since: at, graceUntil: null, probe: 'pending', hearsay: true } as const;
  const asked: Serving = { ...state, confirmation: null, silence };
  return logged({ ...vm, state: { ...state, ...asked } }, at, {
    kind: 'health',
    detail: 'unknown: its machine is said to be gone, and its provider is asked',
  });
}

function thereAfterAll(vm: Vm, state: Running | Draining, at: number): Vm {
  const there: Vm = { ...vm, state: { ...state, silence: null } };
  return logged(there, at, { kind: 'health', detail: 'its provider sees the machine' });
}

/** The first probe may have met an API that was there for that moment only: its agent may have had nobody to report to. */
export function askAgain(vm: Vm, state: Running | Draining): Vm {
  if (state.silence === null) return vm;
  return { ...vm, state: { ...state, silence: { ...state.silence, graceUntil: null, probe: 'again' } } };
}

export function silentTooLong(vm: Vm, at: number): Vm {
  return endWith(vm, at, 'lost', 'the agent stayed silent past its grace');
}
