import { uptime } from 'node:os';

/**
 * The time since the computer started, in seconds, with its sleep: the same for every process, and whatever is done to
 * the wall clock does not change it.
 */
export function secondsSinceBoot(): number {
  return uptime();
}
