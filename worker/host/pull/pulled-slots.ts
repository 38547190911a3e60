import type { SlotPermit, WorkerTuner } from '@temporalio/worker';
import type { CreateLane } from '../../../domain/capacity/create-lanes.ts';
import { activityTuner } from '../activity-tuner.ts';
import type { CreatePuller } from './create-puller.ts';

/** Slots of the worker of one lane: a worker without a slot does not poll, so the puller decides when it does. */
export function pulledSlots(puller: CreatePuller, lane: CreateLane): WorkerTuner {
  return activityTuner({
    reserveSlot: async (_, signal): Promise<SlotPermit> => {
      await puller.whenWanted(lane, signal);
      return {};
    },
    tryReserveSlot: () => null,
    markSlotUsed: () => puller.pollBrought(lane),
    releaseSlot: ({ slotInfo }) => {
      if (slotInfo === undefined) puller.pollEnded(lane);
    },
  });
}
