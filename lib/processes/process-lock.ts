import { readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAbsent } from '../files/absent.ts';
import { createPrivateFile } from '../files/private-file.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 500;
const TURN_POLL_MS = 10;
const ABANDONED_TURN_MS = 10_000;

/** Ends the lock; called again it does nothing. */
export type Unlock = () => Promise<void>;

/**
 * Takes the lock file, or tells which live process has it. One of a process that died is taken over. Rejects when the
 * file or the process cannot be looked at: what is unknown is not free.
 */
export async function tryLock(path: string): Promise<{ unlock: Unlock } | { heldBy: ProcessIdentity }> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('the system does not tell the start time of this process');
  const content = JSON.stringify(self);
  for (;;) {
    if (createPrivateFile(path, content)) return { unlock: () => release(path, content) };
    const found = await readLock(path);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder !== undefined && (await isAlive(holder))) return { heldBy: holder };
    await removeStale(path, found);
  }
}

/** Waits until the lock is free and takes it; `pollMs` is for locks that are held for a moment only. */
export async function holdLock(
  path: string,
  { onWait, pollMs = POLL_MS }: { onWait?: (holder: ProcessIdentity) => void; pollMs?: number },
): Promise<Unlock> {
  let told = false;
  for (;;) {
    const lock = await tryLock(path);
    if ('unlock' in lock) return lock.unlock;
    if (!told) onWait?.(lock.heldBy);
    told = true;
    await sleep(pollMs);
  }
}

async function readLock(path: string): Promise<string | undefined> {
  return unlessAbsent(readFile(path, 'utf8'));
}

function parseHolder(content: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(content) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes a lock whose holder died. Removers take turns, for a slow one would else remove what a faster one just
 * made; only a turn that was abandoned for long is taken away.
 */
async function removeStale(path: string, stale: string): Promise<void> {
  const turn = `${path}.turn`;
  if (!createPrivateFile(turn, '')) {
    const since = (await unlessAbsent(stat(turn)))?.mtimeMs ?? Infinity;
    if (Date.now() - since > ABANDONED_TURN_MS) await rm(turn, { force: true });
    await sleep(TURN_POLL_MS);
    return;
  }
  try {
    if ((await readLock(path)) === stale) await rm(path);
  } finally {
    await rm(turn, { force: true });
  }
}

async function release(path: string, content: string): Promise<void> {
  if ((await readLock(path)) === content) await rm(path, { force: true });
}
