import { proxyActivities } from '@temporalio/workflow';
import type { ImageSweepActivities } from '../../domain/image/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { ImageSweepInput, ImageSweepReport } from '../messages.ts';

const { expireImages } = proxyActivities<ImageSweepActivities>({
  summary: 'Have each family of images delete what is kept no longer',
  startToCloseTimeout: TIMEOUTS.imageSweepAttemptSeconds * 1000,
  scheduleToCloseTimeout: 2 * TIMEOUTS.imageSweepAttemptSeconds * 1000,
  heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
  retry: { maximumAttempts: 2 },
});

/** One look for images that are kept no longer. Started by a schedule; what it leaves the next one finds. */
export async function runImageSweep({ policy }: ImageSweepInput): Promise<ImageSweepReport> {
  return { expired: await expireImages({ policy }) };
}
