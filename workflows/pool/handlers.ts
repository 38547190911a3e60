import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import { sampled } from '../../domain/pool/history.ts';
import { isPoolTemplate } from '../../domain/pool/messages.ts';
import { poolView } from '../../domain/pool/view.ts';
import { fieldsOf } from '../../domain/untrusted.ts';
import { heardOrder } from '../heard-order.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import {
  claimUpdate,
  configurePoolSignal,
  poolHistoryQuery,
  poolViewQuery,
  warmEvictedSignal,
  warmOverSignal,
  warmReadySignal,
  type ClaimAnswer,
  type ClaimRequest,
} from '../messages.ts';
import type { PoolLife } from './life.ts';

/** One update carries so many claims at most. */
const MAX_CLAIMS = 1000;
/** A pool keeps ids of claims, and takes none that would fill its history. */
const MAX_ID_CHARACTERS = 500;

/** Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(life: PoolLife): void {
  setHandler(configurePoolSignal, (told: unknown) => {
    const { template } = fieldsOf(told);
    if (isPoolTemplate(template)) life.record({ kind: 'configured', template: heardOrder(template) });
    else ignoreSignal(configurePoolSignal);
  });
  setHandler(warmReadySignal, (told: unknown) => {
    const { machineId, host, zone } = fieldsOf(told);
    const place = typeof host === 'string' ? { place: { host, zone: typeof zone === 'string' ? zone : null } } : {};
    if (typeof machineId === 'string') life.record({ kind: 'ready', machineId, ...place });
    else ignoreSignal(warmReadySignal);
  });
  setHandler(warmEvictedSignal, (told: unknown) => {
    const { machineId } = fieldsOf(told);
    if (typeof machineId === 'string') life.record({ kind: 'evicted', machineId });
    else ignoreSignal(warmEvictedSignal);
  });
  setHandler(warmOverSignal, (told: unknown) => {
    const { machineId, failed } = fieldsOf(told);
    if (typeof machineId !== 'string') ignoreSignal(warmOverSignal);
    else life.record({ kind: 'over', machineId, failed: typeof failed === 'string' ? failed : null });
  });
  setHandler(poolViewQuery, () => poolView(life.pool, Date.now()));
  // With what it is like now, which may not be published yet.
  setHandler(poolHistoryQuery, () => [...sampled(life.history, poolView(life.pool, Date.now()), Date.now())]);
  setHandler(
    claimUpdate,
    ({ requests, closedHosts }): ClaimAnswer => {
      const granted = life.claim(requests, closedHosts);
      return { grants: requests.map(({ id }, at) => ({ id, machineId: granted[at]?.machineId ?? null })) };
    },
    { validator: assertClaims },
  );
}

function assertClaims(claims: { requests: ClaimRequest[] }): void {
  const { requests, closedHosts = [] } = fieldsOf(claims);
  const areClaims = Array.isArray(requests) && requests.every(isClaim);
  const areHosts = Array.isArray(closedHosts) && closedHosts.every((host) => typeof host === 'string');
  if (areClaims && areHosts && requests.length <= MAX_CLAIMS) return;
  throw ApplicationFailure.nonRetryable(`claim takes {requests: [{id}…]}, ${MAX_CLAIMS} at most`, 'badClaim');
}

function isClaim(request: unknown): boolean {
  const { id, version } = fieldsOf(request);
  return (
    typeof id === 'string' && id.length <= MAX_ID_CHARACTERS && (version === undefined || typeof version === 'number')
  );
}
