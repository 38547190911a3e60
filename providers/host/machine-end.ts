/**
 * Ends a machine of this host. The tombstone is written before this begins, and a machine looks for it after it locked
 * its id. So either we see the lock here, or the machine sees the tombstone: no third case. The directory is
 * first renamed and then looked at once more, which catches a lock taken in the very last moment.
 */
import type { ChildProcess } from 'node:child_process';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineProcess } from '../../domain/machine/local-machine.ts';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { findProcesses } from './processes/find-processes.ts';
import { DamagedFile, unlessAbsent } from './host-failure.ts';
import { leftoverPath, removeLeftover } from './files/leftovers.ts';
import { isErrno, readProcess, socketPathOf } from './files/machine-files.ts';
import { isAlive, killGroup, killWithGroup, signalProcess } from './processes/system-process.ts';
import { waitUntil } from './processes/waiting.ts';

const GRACE_MS = 2000;
const KILL_TIMEOUT_MS = 30_000;
/** A process whose maker died may need this long from its start to its lock. */
const LOCK_WATCH_MS = 1000;
const FRESH_MANIFEST_MS = 30_000;

/**
 * Resolves when no process of the machine runs and its directory is gone; without either at once. Where its record of
 * its process is damaged, the system is asked which processes are the machine's. `beforeRemoval` comes when they have
 * ended. Errors: `hostFailure`, `backendUnavailable`; then the directory is still there.
 */
export async function endMachine(
  dir: string,
  ownChildren: ReadonlySet<ChildProcess>,
  signal: CancelSignal,
  beforeRemoval: () => Promise<void>,
): Promise<void> {
  await endProcesses(dir, ownChildren, signal);
  const { shortDir } = socketPathOf(dir);
  if (shortDir !== null) await rm(shortDir, { recursive: true, force: true });
  await beforeRemoval();
  const leftover = leftoverPath(dirname(dir));
  try {
    await rename(dir, leftover);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await endLate(leftover, dir, signal);
  await removeLeftover(leftover);
}

/** Resolves when no process of the machine runs and nobody answers at its agent's socket. Errors as {@link endMachine}. */
export async function endProcesses(
  dir: string,
  ownChildren: ReadonlySet<ChildProcess>,
  signal: CancelSignal,
): Promise<void> {
  let processes = await processesOf(dir);
  if (processes.length === 0) processes = await watchForLock(dir, ownChildren, signal);
  for (const one of processes) await endProcess(one, signal);
  await killUnlocked(ownChildren, signal);
  await rm(socketPathOf(dir).path, { force: true }).catch((error: unknown) => {
    if (!isErrno(error, 'ENOTDIR')) throw error;
  });
}

/** The process that the machine says it is; those that the system finds where what it says is damaged. */
async function processesOf(dir: string): Promise<LocalMachineProcess[]> {
  try {
    const locked = await readProcess(dir);
    return locked === undefined ? [] : [locked];
  } catch (error) {
    if (error instanceof DamagedFile) return findProcesses(dir);
    throw error;
  }
}

async function endLate(leftover: string, dir: string, signal: CancelSignal): Promise<void> {
  try {
    const late = await readProcess(leftover);
    if (late !== undefined) await endProcess(late, signal);
  } catch (error) {
    // Who found a lock here, damaged or not, became no machine after it.
    if (error instanceof DamagedFile) return;
    // Under its own name the next destroy finds it again.
    await rename(leftover, dir);
    throw error;
  }
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
): Promise<LocalMachineProcess[]> {
  if (ownChildren.size > 0) {
    await killUnlocked(ownChildren, signal);
    return processesOf(dir);
  }
  const manifest = await unlessAbsent(stat(join(dir, LOCAL_MACHINE_FILE.manifest)));
  if (manifest === undefined || Date.now() - manifest.mtimeMs > FRESH_MANIFEST_MS) return [];
  const locked = async (): Promise<LocalMachineProcess[] | undefined> => {
    const processes = await processesOf(dir);
    return processes.length === 0 ? undefined : processes;
  };
  return (await waitUntil(locked, LOCK_WATCH_MS, signal)) ?? [];
}

/** Our own children without a lock have nothing to lose. Each leads a group, in which its shell may have forked. */
async function killUnlocked(ownChildren: ReadonlySet<ChildProcess>, signal: CancelSignal): Promise<void> {
  for (const { pid } of ownChildren) if (pid !== undefined) killGroup(pid);
  const allGone = (): Promise<true | undefined> => Promise.resolve(ownChildren.size === 0 ? true : undefined);
  if (await waitUntil(allGone, KILL_TIMEOUT_MS, signal)) return;
  throw new ProviderError('backendUnavailable', 'a starting machine does not end, not even by SIGKILL');
}
