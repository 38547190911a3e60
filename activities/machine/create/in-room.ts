import { ApplicationFailure } from '@temporalio/common';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import type { MachineRoom, RoomAnswer } from './machine-room.ts';

const NO_CAPACITY: ProviderErrorCode = 'noCapacity';

/** Does the work in the room that was asked for. Where there is none it fails with `noCapacity`, and is tried again. */
export async function inRoom<Result>(
  room: MachineRoom,
  machineId: string,
  asked: Promise<RoomAnswer>,
  work: () => Promise<Result>,
): Promise<Result> {
  const answer = await asked;
  if (answer.kind === 'refused') {
    const { message, retryAfterMs } = answer;
    throw ApplicationFailure.create({ message, type: NO_CAPACITY, nextRetryDelay: retryAfterMs });
  }
  try {
    return await work();
  } finally {
    room.settle(machineId);
  }
}
