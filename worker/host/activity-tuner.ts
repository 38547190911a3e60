import type { ActivitySlotInfo, CustomSlotSupplier, WorkerTuner } from '@temporalio/worker';

const ONE = { type: 'fixed-size', numSlots: 1 } as const;

/** For a worker of activities alone, whose slots are given by us: a worker without a free slot does not poll. */
export function activityTuner(slots: Omit<CustomSlotSupplier<ActivitySlotInfo>, 'type'>): WorkerTuner {
  return {
    activityTaskSlotSupplier: { type: 'custom', ...slots },
    workflowTaskSlotSupplier: ONE,
    localActivityTaskSlotSupplier: ONE,
    nexusTaskSlotSupplier: ONE,
  };
}
