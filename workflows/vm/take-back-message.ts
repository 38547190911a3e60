/** How a VM that drains is given to another create. What may be given is decided in domain/vm/take-back.ts. */
import { ApplicationFailure } from '@temporalio/workflow';
import { canBeTakenBack } from '../../domain/vm/take-back.ts';
import { vmView } from '../../domain/vm/view.ts';
import { NOT_TO_BE_HAD, takeBackUpdate, type TakeBack } from '../messages.ts';
import type { MessageHandlers } from '../message-handlers.ts';
import type { VmLife } from './life.ts';

export function handleTakeBack(life: VmLife, messages: MessageHandlers): void {
  messages.onUpdate(
    takeBackUpdate,
    (wish) => {
      assertToBeHad(life, wish);
      const { uid, claim, reset } = wish;
      life.record({ kind: 'takenBack', uid, claim, ...(reset === true ? { reset } : {}) });
      return vmView(life.vm, Date.now());
    },
    { validator: (wish: TakeBack) => assertToBeHad(life, wish) },
  );
}

/** Several may pass the validator in one task: the first of them gets it. */
function assertToBeHad({ vm }: VmLife, { uid, claim, reset }: TakeBack): void {
  const isMeant = typeof claim === 'string' && uid === vm.uid;
  if (isMeant && canBeTakenBack(vm, { claim, reset: reset === true, at: Date.now() })) return;
  throw ApplicationFailure.nonRetryable(`${vm.name} is ${vm.state.name} and given to nobody else`, NOT_TO_BE_HAD);
}
