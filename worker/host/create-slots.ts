import type { SlotPermit, WorkerTuner } from '@temporalio/worker';
import { wakeAll, wokenOrAfter, type Sleepers } from '../../lib/waiting/wake-ups.ts';
import { activityTuner } from './activity-tuner.ts';
import type { CreateGate } from './create-gate.ts';

/** Slots for creates, none of which is given while the gate is shut: a worker without a free slot does not poll. */
export function createSlots(limit: number, gate: CreateGate): WorkerTuner {
  let used = 0;
  const waiting: Sleepers = new Set();
  const take = (): SlotPermit => {
    used += 1;
    return {};
  };
  return activityTuner({
    reserveSlot: async (_, signal) => {
      for (;;) {
        await gate.whenOpen(signal);
        if (used < limit) return take();
        await wokenOrAfter(waiting, null, signal);
      }
    },
    tryReserveSlot: () => (gate.isOpen && used < limit ? take() : null),
    markSlotUsed: () => undefined,
    releaseSlot: () => {
      used -= 1;
      wakeAll(waiting);
    },
  });
}
