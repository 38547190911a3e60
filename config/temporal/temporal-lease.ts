/** What Temporal's description of a host's workflow says of the lease that runs. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { isLeaseStatus } from '../../domain/host/ready.ts';
import type { LeaseStatus } from '../../domain/host/state.ts';
import { imageCopiesIn, type ImageCopy } from '../../domain/machine/image-copies.ts';

/** The parts of a pending activity that are read here, as the client gives them. */
interface PendingActivity {
  activityType?: { name?: string | null } | null;
  heartbeatDetails?: { payloads?: Payload[] | null } | null;
  lastHeartbeatTime?: { seconds?: { toString(): string } | null; nanos?: number | null } | null;
}

export interface RunningLease extends LeaseStatus {
  images: ImageCopy[];
  /** Epoch ms by Temporal's clock. */
  seenAt: number;
}

/** Undefined: no lease runs, or none has a heartbeat yet. */
export function runningLease(raw: { pendingActivities?: PendingActivity[] | null }): RunningLease | undefined {
  // A lease that was asked back is pending beside the one that follows; the later one is the last.
  const leases = (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name === LEASE);
  for (const { heartbeatDetails, lastHeartbeatTime } of leases.reverse()) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!payload || !lastHeartbeatTime) continue;
    const status = readable(payload);
    const seenAt = Number(lastHeartbeatTime.seconds ?? 0) * 1000 + (lastHeartbeatTime.nanos ?? 0) / 1e6;
    if (!isLeaseStatus(status)) continue;
    const { free, machines, images } = status;
    return { free, machines, images: imageCopiesIn(images), seenAt };
  }
  return undefined;
}

const LEASE = 'holdLease';

/** A host may say anything: what cannot be read of one must not hide it, nor the others. */
function readable(payload: Payload): unknown {
  try {
    return defaultPayloadConverter.fromPayload(payload);
  } catch {
    return undefined;
  }
}
