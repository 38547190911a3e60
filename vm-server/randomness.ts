import { randomBytes as nodeRandomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * All randomness of this program. It comes from the kernel at each call where that is possible: two machines
 * started from one memory snapshot share the state of every generator inside the process.
 */
export function randomBytes(count: number): Buffer {
  let device: number;
  try {
    device = openSync('/dev/urandom', 'r');
  } catch {
    return nodeRandomBytes(count);
  }
  try {
    const bytes = Buffer.alloc(count);
    for (let filled = 0; filled < count;) filled += readSync(device, bytes, filled, count - filled, null);
    return bytes;
  } finally {
    closeSync(device);
  }
}

/** A random number from 0 up to, but not including, 1. */
export function randomFraction(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}
