import type { CreateLane } from '../../../domain/capacity/create-lanes.ts';
import type { RoomRequest } from '../../../domain/capacity/room.ts';

/** One that asks for room, and the queue that its create came from. */
export interface LaneRequest extends RoomRequest {
  lane: CreateLane;
}

/** `refused`: not now; the create goes back to its queue. */
export type RoomAnswer = { kind: 'reserved' } | { kind: 'refused'; message: string; retryAfterMs: number };

/** The room of this host, as the activities use it. */
export interface MachineRoom {
  /**
   * Again for a machine that has its room is fine. A create whose turn it is may be held until it fits; an aborted signal
   * then rejects with its reason. `showWaiting` gets what the machine waits for meanwhile.
   */
  reserve(request: LaneRequest, signal: AbortSignal, showWaiting: (why: string | null) => void): Promise<RoomAnswer>;
  /** Room for a machine that is stopped and has kept its disk: at once or not now. */
  startAgain(request: Pick<RoomRequest, 'machineId' | 'size'>): Promise<RoomAnswer>;
  /** The machine has given back all but its disk. */
  stopped(machineId: string): void;
  /** The create or start ended, well or not: from now on the provider says whether the machine is there. */
  settle(machineId: string): void;
  /** The machine is gone, and with it its room. */
  release(machineId: string): void;
  /** Images were made or deleted; resolves when they are counted. */
  recount(): Promise<void>;
}
