import {
  ActivityCancellationType,
  ActivityFailure,
  isCancellation,
  proxyActivities,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { LeaseActivities, RegistryActivities } from '../../domain/host/activities.ts';
import { isLeaseStatus } from '../../domain/host/ready.ts';
import { isCordoned, type Host, type LeaseStatus } from '../../domain/host/state.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { hostTaskQueue } from '../../domain/wire-names.ts';

/** One lease at the longest; a new one follows at once. */
const LEASE_DAYS = 365;

/** They run on the control workers, as this workflow does. */
export const registryActivities = proxyActivities<RegistryActivities>({
  // A drain takes as long as its users stay.
  startToCloseTimeout: LEASE_DAYS * 24 * 3600 * 1000,
  heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Resolves when the host gave its lease back or is not heard of any more, with what it said last. */
export async function holdLease(host: Host): Promise<LeaseStatus | null> {
  const { hostId, lease, incarnation, facts } = host;
  const activities = proxyActivities<LeaseActivities>({
    taskQueue: hostTaskQueue(hostId, workflowInfo().taskQueue),
    summary: `Lease of the host ${hostId}`,
    startToCloseTimeout: LEASE_DAYS * 24 * 3600 * 1000,
    scheduleToStartTimeout: TIMEOUTS.leaseStartSeconds * 1000,
    heartbeatTimeout: TIMEOUTS.leaseHeartbeatSeconds * 1000,
    // A lost lease is news; what follows is decided here.
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
  try {
    const announced = { incarnation, facts };
    const status = await activities.holdLease({ hostId, lease, cordoned: isCordoned(host), announced });
    return isLeaseStatus(status) ? status : null;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return lastStatusOf(error);
  }
}

function lastStatusOf(error: unknown): LeaseStatus | null {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const details: unknown = cause instanceof TimeoutFailure ? cause.lastHeartbeatDetails : undefined;
  return isLeaseStatus(details) ? details : null;
}
