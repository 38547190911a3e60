import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unlessAbsent } from '../files/absent.ts';
import { parseProcStatStartTime, parsePsStartTime, psStartTimeArguments } from './process-start-time.ts';

const run = promisify(execFile);
const PROC = '/proc';
const HAS_PROC = existsSync(join(PROC, 'self', 'stat'));

/** One process: the start time tells it from a later one that was given the same pid. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

/**
 * The process that has this pid now, or undefined when there is none or only its remains. Rejects when the system does
 * not tell: then a process is not known to be gone.
 */
export async function identify(pid: number, proc = PROC): Promise<ProcessIdentity | undefined> {
  const startedAt = HAS_PROC ? await startTimeFromProc(pid, proc) : await startTimeFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** True while exactly this process runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

async function startTimeFromProc(pid: number, proc: string): Promise<string | undefined> {
  const path = join(proc, String(pid), 'stat');
  const stat = await unlessAbsent(readFile(path, 'utf8'));
  if (stat === undefined) return undefined;
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  if (state === 'Z' || state === 'X') return undefined;
  const startedAt = parseProcStatStartTime(stat);
  if (startedAt === undefined) throw new Error(`${path} does not tell when its process started`);
  return startedAt;
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
  return run('ps', psStartTimeArguments(pid), { env }).then(
    ({ stdout }) => parsePsStartTime(stdout),
    (error: unknown) => {
      // With 1 it says that it found no such process; everything else leaves that unknown.
      if (error instanceof Error && 'code' in error && error.code === 1) return undefined;
      throw error;
    },
  );
}
