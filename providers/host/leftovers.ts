/** A machine's directory is renamed before it is removed: what a death in the middle leaves is nobody's machine. */
import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesOf } from './machine-files.ts';

const PREFIX = '.gone-';
const KEPT_MS = 3600 * 1000;

/** A new name beside the machines for one that is removed; no machine has such an id. */
export function leftoverPath(machinesDir: string): string {
  return join(machinesDir, `${PREFIX}${randomUUID()}`);
}

/** A machine that still writes into its directory while it is removed makes a removal fail; then once more. */
export async function removeLeftover(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Removes leftovers that nobody can still be removing. */
export async function pruneLeftovers(machinesDir: string, now: number): Promise<void> {
  for (const name of (await entriesOf(machinesDir)).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(machinesDir, name);
    const changedAt = await stat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => now,
    );
    if (now - changedAt > KEPT_MS) await removeLeftover(path);
  }
}
