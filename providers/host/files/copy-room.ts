/** Room for copies of what machines keep: several that fit one by one do not fill the disk together. */
import { statfs } from 'node:fs/promises';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { waitUntil } from '../processes/waiting.ts';

export interface WantedRoom {
  bytes: number;
  /** A directory of the disk that they go to. */
  dir: string;
  /** Stays free for the machines that run beside it. */
  keptFreeBytes: number;
}

/** What the copies of this process that are under way may take, what they have taken already included. */
let promisedBytes = 0;
let ended = 0;

/**
 * Does the work once its bytes have room, for which copies that are under way are waited for. An aborted signal rejects with
 * its reason. Errors: `ENOSPC` before the work begins where there is no room though no other copy is under way.
 */
export async function withRoomFor<Result>(
  wanted: WantedRoom,
  signal: CancelSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  await waitUntil(() => promise(wanted), Infinity, signal);
  try {
    return await work();
  } finally {
    promisedBytes -= wanted.bytes;
    ended += 1;
  }
}

/** Undefined while others have to end first. */
async function promise({ bytes, dir, keptFreeBytes }: WantedRoom): Promise<true | undefined> {
  const endedBefore = ended;
  const { bavail, bsize } = await statfs(dir);
  // What was free then counts what one that ended since had still to take.
  if (ended !== endedBefore) return undefined;
  if (bytes + keptFreeBytes + promisedBytes <= bavail * bsize) {
    promisedBytes += bytes;
    return true;
  }
  if (promisedBytes > 0) return undefined;
  throw Object.assign(new Error(`${bytes} bytes have no room in ${dir}`), { code: 'ENOSPC' });
}
