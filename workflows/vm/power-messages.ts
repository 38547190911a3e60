/**
 * Stop and start, suspend and resume of a VM: as updates, which say what came of it, and as signals, which outlast a control
 * plane that is down.
 */
import { ApplicationFailure, log } from '@temporalio/workflow';
import { vmCan } from '../../domain/vm/actions.ts';
import { canStop, isInUse } from '../../domain/vm/power.ts';
import { vmView, type VmView } from '../../domain/vm/view.ts';
import {
  POWER_REFUSAL,
  resumeSignal,
  resumeUpdate,
  startSignal,
  startUpdate,
  stopSignal,
  stopUpdate,
  suspendSignal,
  suspendUpdate,
  type LifeOptions,
  type StopOptions,
} from '../messages.ts';
import type { MessageHandlers } from '../message-handlers.ts';
import type { VmLife } from './life.ts';

/** What takes a VM down asks for its users; what brings it back does not. */
const DOWN = [
  ['stop', stopSignal, stopUpdate],
  ['suspend', suspendSignal, suspendUpdate],
] as const;
const UP = [
  ['start', startSignal, startUpdate],
  ['resume', resumeSignal, resumeUpdate],
] as const;

export function handlePowerMessages(life: VmLife, messages: MessageHandlers): void {
  const view = (): VmView => vmView(life.vm, Date.now());
  for (const [action, signal, update] of DOWN) {
    const goDown = (options?: StopOptions): void => {
      const force = options?.force === true ? { force: true } : {};
      life.record({ kind: `${action}Requested`, ...uidOf(options), ...force });
    };
    messages.onSignal(signal, (options?: StopOptions) => {
      const refusal = refusalOfDown(life, action, options);
      if (refusal === null) goDown(options);
      else log.warn(`a ${action} was ignored`, { why: refusal.message });
    });
    messages.onUpdate(
      update,
      (options) => {
        goDown(options);
        return view();
      },
      { validator: (options: StopOptions | undefined) => throwIfAny(refusalOfDown(life, action, options)) },
    );
  }
  for (const [action, signal, update] of UP) {
    const comeBack = (options?: LifeOptions): void => {
      life.record({ kind: `${action}Requested`, ...uidOf(options) });
    };
    messages.onSignal(signal, comeBack);
    messages.onUpdate(
      update,
      (options) => {
        comeBack(options);
        return view();
      },
      { validator: (options: LifeOptions | undefined) => throwIfAny(refusalOfUp(life, action, options)) },
    );
  }
}

export function uidOf(options: LifeOptions | undefined): LifeOptions {
  return options?.uid === undefined ? {} : { uid: options.uid };
}

function refusalOfDown(
  life: VmLife,
  action: 'stop' | 'suspend',
  options: StopOptions | undefined,
): ApplicationFailure | null {
  const { vm } = life;
  const other = refusalOfLife(life, options);
  if (other !== null) return other;
  if (action === 'stop' ? !canStop(vm) : !vmCan.suspend(vm.state.name)) return notAllowed(life, action);
  if (!isInUse(vm, Date.now()) || options?.force === true) return null;
  return refused(POWER_REFUSAL.inUse, `${vm.name} has users: ${action} it with force, or drain it`);
}

function refusalOfUp(
  life: VmLife,
  action: 'start' | 'resume',
  options: LifeOptions | undefined,
): ApplicationFailure | null {
  const other = refusalOfLife(life, options);
  return other !== null || vmCan[action](life.vm.state.name) ? other : notAllowed(life, action);
}

function notAllowed({ vm }: VmLife, action: string): ApplicationFailure {
  return refused(POWER_REFUSAL.notAllowed, `${vm.name} is ${vm.state.name}, which does not allow ${action}`);
}

export function refusalOfLife({ vm }: VmLife, options: LifeOptions | undefined): ApplicationFailure | null {
  if (options?.uid === undefined || options.uid === vm.uid) return null;
  return refused(POWER_REFUSAL.otherLife, `the life of ${vm.name} is ${vm.uid}, not ${options.uid}`);
}

export function refused(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

export function throwIfAny(refusal: ApplicationFailure | null): void {
  if (refusal !== null) throw refusal;
}
