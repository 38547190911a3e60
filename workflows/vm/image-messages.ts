/** Close and snapshot of a VM: as updates, which say what came of it, and as signals, which outlast a control plane that is down. */
import { log, type ApplicationFailure } from '@temporalio/workflow';
import { IMAGE_NAME } from '../../domain/image/state.ts';
import { fieldsOf } from '../../domain/untrusted.ts';
import { canImage } from '../../domain/vm/close.ts';
import { isSnapshotRequest, wasGrantedSnapshot } from '../../domain/vm/imaging.ts';
import { isInUse } from '../../domain/vm/power.ts';
import { vmView, type VmView } from '../../domain/vm/view.ts';
import {
  closeSignal,
  closeUpdate,
  POWER_REFUSAL,
  snapshotSignal,
  snapshotUpdate,
  type CloseOptions,
  type SnapshotOptions,
} from '../messages.ts';
import type { MessageHandlers } from '../message-handlers.ts';
import type { VmLife } from './life.ts';
import { refusalOfLife, refused, throwIfAny, uidOf } from './power-messages.ts';

/** It is part of a workflow id. */
const FAMILY_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function handleImageMessages(life: VmLife, messages: MessageHandlers): void {
  const view = (): VmView => vmView(life.vm, Date.now());
  const close = (options?: CloseOptions): void => {
    life.record({ kind: 'closeRequested', ...uidOf(options), ...forceOf(options) });
  };
  const snapshot = (options?: SnapshotOptions): void => {
    life.record({ kind: 'snapshotRequested', ...uidOf(options), ...forceOf(options), ...namesOf(options) });
  };

  messages.onSignal(closeSignal, (options?: CloseOptions) => {
    const refusal = refusalOf(life, 'close', options);
    if (refusal === null) close(options);
    else log.warn('a close was ignored', { why: refusal.message });
  });
  messages.onSignal(snapshotSignal, (options?: SnapshotOptions) => {
    const refusal = refusalOf(life, 'snapshot', options);
    if (refusal === null) snapshot(options);
    else log.warn('a snapshot was ignored', { why: refusal.message });
  });
  messages.onUpdate(
    closeUpdate,
    (options) => {
      close(options);
      return view();
    },
    { validator: (options: CloseOptions | undefined) => throwIfAny(refusalOf(life, 'close', options)) },
  );
  messages.onUpdate(
    snapshotUpdate,
    (options) => {
      snapshot(options);
      return view();
    },
    { validator: (options: SnapshotOptions | undefined) => throwIfAny(refusalOf(life, 'snapshot', options)) },
  );
}

function forceOf(options: CloseOptions | undefined): { force?: true } {
  return options?.force === true ? { force: true } : {};
}

function namesOf(options: SnapshotOptions | undefined): Pick<SnapshotOptions, 'family' | 'name' | 'request'> {
  const { family, name, request } = fieldsOf(options);
  return {
    ...(matches(family, FAMILY_NAME) ? { family } : {}),
    ...(matches(name, IMAGE_NAME) ? { name } : {}),
    ...(isSnapshotRequest(request) ? { request } : {}),
  };
}

function matches(value: unknown, rule: RegExp): value is string {
  return typeof value === 'string' && rule.test(value);
}

function refusalOf(
  life: VmLife,
  action: 'close' | 'snapshot',
  options: SnapshotOptions | undefined,
): ApplicationFailure | null {
  const { vm } = life;
  const other = refusalOfLife(life, options);
  if (other !== null) return other;
  if (action === 'snapshot' && wasGrantedSnapshot(vm, namesOf(options).request)) return null;
  if (!canImage(vm, action)) {
    return refused(POWER_REFUSAL.notAllowed, `${vm.name} is ${vm.state.name}, which does not allow ${action} now`);
  }
  if (!isInUse(vm, Date.now()) || options?.force === true) return null;
  return refused(POWER_REFUSAL.inUse, `${vm.name} has users: repeat it with force, or drain it`);
}
