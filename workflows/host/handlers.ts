import { setHandler } from '@temporalio/workflow';
import { isHostReady } from '../../domain/host/ready.ts';
import { hostView } from '../../domain/host/view.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import { MessageHandlers } from '../message-handlers.ts';
import {
  cordonHostSignal,
  drainHostSignal,
  hostReadySignal,
  hostViewQuery,
  removeHostSignal,
  uncordonHostSignal,
  type HostReady,
} from '../messages.ts';
import { boundsHostFacts } from '../patches.ts';
import type { HostRecord } from './host-record.ts';

/**
 * Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. `leastLostSeconds`:
 * another bound than that of the setting; for tests.
 */
export function handleMessages(record: HostRecord, leastLostSeconds?: number): void {
  const messages = new MessageHandlers();
  messages.onSignal(hostReadySignal, (ready: unknown) => {
    if (isHostReady(ready, leastLostSeconds) || isTakenUnbounded(ready)) record.record({ ...ready, kind: 'announced' });
    else ignoreSignal(hostReadySignal);
  });
  messages.onSignal(cordonHostSignal, () => record.record({ kind: 'cordon' }));
  messages.onSignal(uncordonHostSignal, () => record.record({ kind: 'uncordon' }));
  messages.onSignal(drainHostSignal, () => record.record({ kind: 'drain' }));
  messages.onSignal(removeHostSignal, () => record.record({ kind: 'remove' }));
  messages.begin();
  setHandler(hostViewQuery, () => hostView(record.host));
}

/** Histories of before took any time, however short. */
function isTakenUnbounded(ready: unknown): ready is HostReady {
  return isHostReady(ready, Number.MIN_VALUE) && !boundsHostFacts();
}
