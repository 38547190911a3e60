import type { LaneRequest, MachineRoom, RoomAnswer } from '../../../activities/machine/create/machine-room.ts';
import { waitingText } from '../../../domain/capacity/room.ts';
import type { HostRoom } from '../host-room.ts';
import type { CreatePuller } from './create-puller.ts';

/** A stopped machine can start on its own host alone, so it asks there again until it has room. */
const START_AGAIN_MS = 2000;

/**
 * The room of the host for creates. Those that the puller asked for wait in Temporal's queues, not here; those of the
 * provider's one queue come unasked, and get what is free when they ask.
 */
export function pulledRoom(room: HostRoom, puller: CreatePuller, comes: 'pulled' | 'unasked'): MachineRoom {
  return {
    reserve: async (request: LaneRequest, signal, showWaiting): Promise<RoomAnswer> => {
      await room.ready();
      signal.throwIfAborted();
      return comes === 'pulled' ? puller.receive(request, signal, showWaiting) : puller.receiveUnasked(request);
    },
    startAgain: async ({ machineId, size }): Promise<RoomAnswer> => {
      await room.ready();
      await room.refresh();
      if (room.admitStart({ machineId, size })) return { kind: 'reserved' };
      const { free, ahead } = room.waitOf(machineId);
      const message = waitingText(size, free, ahead);
      return { kind: 'refused', message, retryAfterMs: START_AGAIN_MS };
    },
    stopped: (machineId) => room.stopped(machineId),
    settle: (machineId) => room.settle(machineId),
    release: (machineId) => room.release(machineId),
    recount: () => room.recount(),
  };
}
