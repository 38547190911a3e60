/**
 * A machine's directory is made under another name, and has one again before it is removed: what a death in the middle
 * leaves is no machine.
 */
import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesOf, isErrno } from './machine-files.ts';

const PREFIX = '.gone-';
const KEPT_MS = 3600 * 1000;
/** What a removal fails with that nobody but the programs of a machine is to blame for. */
const UNREMOVABLE = ['EACCES', 'EPERM', 'ENAMETOOLONG'] as const;
/** Half of what Linux takes as a path: a name more is always possible. */
const DEEP_BYTES = 2048;

/** A new name beside the machines for one that is made or removed; no machine has such an id. */
export function leftoverPath(machinesDir: string): string {
  return join(machinesDir, `${PREFIX}${randomUUID()}`);
}

/** A machine that still writes into its directory while it is removed makes a removal fail; then once more. */
export async function removeLeftover(path: string): Promise<void> {
  await removeTree(path, dirname(path));
}

/**
 * Removes a path with all that is in it, also what programs in a machine made so that a plain removal fails: directories that
 * nobody may write to, and paths that are longer than the system takes. `beside`: a directory on the same disk, where what lies
 * too deep is a leftover for a moment. Errors of the system pass.
 */
export async function removeTree(path: string, beside: string): Promise<void> {
  const remove = (one: string): Promise<void> =>
    rm(one, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const tree = next;
    await remove(tree).catch(async (error: unknown) => {
      const isKnown = UNREMOVABLE.some((code) => isErrno(error, code));
      if (!isKnown || !(await lstat(tree)).isDirectory()) throw error;
      const deep = await loosen(tree, beside);
      waiting.push(...deep);
      // What is still too deep in it was moved out.
      await remove(tree);
    });
  }
}

/** Lets its owner write to all directories of a tree. Resolves with those that lie too deep, which were moved to `beside`. */
async function loosen(path: string, beside: string): Promise<string[]> {
  await chmod(path, 0o700);
  const deep: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inner = join(path, entry.name);
    if (Buffer.byteLength(inner) < DEEP_BYTES) deep.push(...(await loosen(inner, beside)));
    else {
      const moved = leftoverPath(beside);
      await rename(inner, moved);
      deep.push(moved);
    }
  }
  return deep;
}

/** Removes leftovers that nobody can still be making or removing. */
export async function pruneLeftovers(machinesDir: string, now: number): Promise<void> {
  for (const name of (await entriesOf(machinesDir)).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(machinesDir, name);
    const changedAt = await stat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => now,
    );
    // One that cannot be removed holds up no other, nor the work that has it removed.
    if (now - changedAt > KEPT_MS) await removeLeftover(path).catch(() => undefined);
  }
}
