/**
 * Ends a machine of this host. The tombstone is written before this begins, and a machine looks for it after it locked
 * its id. So either we see the lock here, or the machine sees the tombstone: no third case. The directory is
 * first renamed and then looked at once more, which catches a lock taken in the very last moment.
 */
import type { ChildProcess } from 'node:child_process';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineProcess } from '../../domain/local-machine.ts';
import type { CancelSignal } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { leftoverPath, removeLeftover } from './leftovers.ts';
import { isErrno, readProcess, socketPathOf } from './machine-files.ts';
import { isAlive, killGroup, killWithGroup, signalProcess } from './system-process.ts';
import { waitUntil } from './waiting.ts';

const GRACE_MS = 2000;
const KILL_TIMEOUT_MS = 30_000;
/** A process whose maker died may need this long from its start to its lock. */
const LOCK_WATCH_MS = 1000;
const FRESH_ORDER_MS = 30_000;

/** Resolves when no process of the machine runs and its directory is gone; without either at once. */
export async function endMachine(
  dir: string,
  ownChildren: ReadonlySet<ChildProcess>,
  signal: CancelSignal,
): Promise<void> {
  const locked = (await readProcess(dir)) ?? (await watchForLock(dir, ownChildren, signal));
  if (locked !== undefined) await endProcess(locked, signal);
  await killUnlocked(ownChildren, signal);
  const { path: socketPath, shortDir } = socketPathOf(dir);
  await rm(socketPath, { force: true }).catch((error: unknown) => {
    if (!isErrno(error, 'ENOTDIR')) throw error;
  });
  if (shortDir !== null) await rm(shortDir, { recursive: true, force: true });
  const leftover = leftoverPath(dirname(dir));
  try {
    await rename(dir, leftover);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  const late = await readProcess(leftover);
  if (late !== undefined) await endProcess(late, signal);
  await removeLeftover(leftover);
}

async function endProcess(machine: LocalMachineProcess, signal: CancelSignal): Promise<void> {
  const gone = async (): Promise<true | undefined> => ((await isAlive(machine)) ? undefined : true);
  await signalProcess(machine, 'SIGTERM');
  if (await waitUntil(gone, GRACE_MS, signal)) return;
  await killWithGroup(machine);
  if (await waitUntil(gone, KILL_TIMEOUT_MS, signal)) return;
  throw new ProviderError('backendUnavailable', `process ${machine.pid} does not end, not even by SIGKILL`);
}

/** Waits for the lock of a process that was started a moment ago by somebody who may be gone. */
async function watchForLock(
  dir: string,
  ownChildren: ReadonlySet<ChildProcess>,
  signal: CancelSignal,
): Promise<LocalMachineProcess | undefined> {
  if (ownChildren.size > 0) {
    await killUnlocked(ownChildren, signal);
    return readProcess(dir);
  }
  const orderedAt = await stat(join(dir, LOCAL_MACHINE_FILE.order)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (Date.now() - orderedAt > FRESH_ORDER_MS) return undefined;
  return waitUntil(() => readProcess(dir), LOCK_WATCH_MS, signal);
}

/** Our own children without a lock have nothing to lose. Each leads a group, in which its shell may have forked. */
async function killUnlocked(ownChildren: ReadonlySet<ChildProcess>, signal: CancelSignal): Promise<void> {
  for (const { pid } of ownChildren) if (pid !== undefined) killGroup(pid);
  const allGone = (): Promise<true | undefined> => Promise.resolve(ownChildren.size === 0 ? true : undefined);
  if (await waitUntil(allGone, KILL_TIMEOUT_MS, signal)) return;
  throw new ProviderError('backendUnavailable', 'a starting machine does not end, not even by SIGKILL');
}
