import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import { isMachineEndCause } from '../../domain/machine/provider.ts';
import { isAsker } from '../../domain/pool/handover.ts';
import { isCount } from '../../domain/agent/protocol.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { fieldsOf } from '../../domain/untrusted.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import {
  adoptSignal,
  drainSignal,
  exchangeUpdate,
  grantedSignal,
  machineLostSignal,
  reportSignal,
  retireSignal,
  returnedSignal,
  takenSignal,
  type AskerSignal,
  type ExchangeRequest,
} from '../messages.ts';
import { refuseForNow } from '../machine/refuse-for-now.ts';
import { replacesBeforeItGoes } from '../patches.ts';
import type { WarmLife } from './life.ts';

/** Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(life: WarmLife): void {
  setHandler(grantedSignal, (granted: unknown) => {
    const { request, seconds } = fieldsOf(granted);
    if (typeof request !== 'string' || !isCount(seconds)) ignoreSignal(grantedSignal);
    else life.record({ kind: 'granted', request, until: Date.now() + seconds * 1000 });
  });
  const fromVm =
    (signal: { name: string }, kind: 'asked' | 'taken' | 'returned') =>
    (said: AskerSignal): void => {
      const { by } = fieldsOf(said);
      if (isAsker(by)) life.record({ kind, by });
      else ignoreSignal(signal);
    };
  setHandler(adoptSignal, fromVm(adoptSignal, 'asked'));
  setHandler(takenSignal, fromVm(takenSignal, 'taken'));
  setHandler(returnedSignal, fromVm(returnedSignal, 'returned'));
  setHandler(retireSignal, () => life.record({ kind: 'retired' }));
  // Its host drains, or takes no creates any more.
  setHandler(drainSignal, () => {
    if (!replacesBeforeItGoes()) life.record({ kind: 'retired' });
    else life.record({ kind: 'evicted', until: Date.now() + TIMEOUTS.replaceWarmSeconds * 1000 });
  });
  handleAgent(life);
  setHandler(machineLostSignal, (lost: unknown) => {
    const { machineId, cause } = fieldsOf(lost);
    if (machineId !== life.machineId) return;
    if (cause === 'hostLost') life.record({ kind: 'hostLost' });
    else if (cause === undefined || isMachineEndCause(cause)) life.record({ kind: 'machineLost' });
  });
}

/** What the API says of an agent that reports over HTTP. That of a machine with a channel is heard by its host. */
function handleAgent(life: WarmLife): void {
  const requireExchangeable = (request: ExchangeRequest): void => {
    if (life.mayExchange(request)) return;
    refuseForNow({ state: life.warm.name, machineId: life.machineId }, request);
    throw ApplicationFailure.nonRetryable('the bootstrap secret was used or is not of this machine', 'tokenRefused');
  };
  setHandler(
    exchangeUpdate,
    (request) => {
      requireExchangeable(request);
      life.exchanged(request);
      return { granted: true };
    },
    { validator: requireExchangeable },
  );
  setHandler(reportSignal, (report: unknown) => {
    const { machineId } = fieldsOf(report);
    if (machineId === life.machineId) life.booted();
  });
}
