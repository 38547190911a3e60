/** Which fetched images make room for another one. Pure. */

/** A fetched copy on this host. */
export interface CachedCopy {
  version: string;
  bytes: number;
  /** Epoch ms: when a machine was made of it last, or it came. */
  usedAt: number;
  /** A machine of this host has it, or is being made of it. */
  inUse: boolean;
}

export interface CacheNeed {
  limitBytes: number;
  /** Of the image that comes, and of those that are on their way. */
  neededBytes: number;
}

/**
 * Those that may go, the least recently used first, as many of them as it takes; undefined where even all of them are too few.
 * `keptElsewhere` is asked of one after the other: the last copy of the deployment is never among them.
 */
export async function copiesToEvict<Copy extends CachedCopy>(
  copies: readonly Copy[],
  { limitBytes, neededBytes }: CacheNeed,
  keptElsewhere: (copy: Copy) => Promise<boolean>,
): Promise<Copy[] | undefined> {
  let bytes = copies.reduce((sum, copy) => sum + copy.bytes, neededBytes);
  const going: Copy[] = [];
  const idle = copies.filter(({ inUse }) => !inUse).sort((a, b) => a.usedAt - b.usedAt);
  for (const copy of idle) {
    if (bytes <= limitBytes) return going;
    if (!(await keptElsewhere(copy))) continue;
    going.push(copy);
    bytes -= copy.bytes;
  }
  return bytes <= limitBytes ? going : undefined;
}
