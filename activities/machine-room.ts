import type { RoomRequest } from '../domain/room.ts';

/** `refused`: not now. The place in the queue is kept for one that asks again about then. */
export type RoomAnswer = { kind: 'reserved' } | { kind: 'refused'; message: string; askAgainMs: number };

/** The room of this host, as the activities use it. */
export interface MachineRoom {
  /**
   * Waits a while for the machine's turn; again for a machine that has its room is fine. Errors: `tooBig` when it
   * can never fit. An aborted signal gives up the place and rejects with the signal's reason.
   */
  reserve(request: RoomRequest, signal: AbortSignal): Promise<RoomAnswer>;
  /** The create ended, well or not: from now on the provider says whether the machine is there. */
  settle(machineId: string): void;
  /** The machine is gone, and with it its room and its place in the queue. */
  release(machineId: string): void;
}
