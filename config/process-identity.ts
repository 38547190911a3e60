import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { parseProcStatStartTime, parsePsStartTime, psStartTimeArguments } from '../domain/process-start-time.ts';

const run = promisify(execFile);
const HAS_PROC = existsSync('/proc/self/stat');

/** One process: the start time tells it from a later one that was given the same pid. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

/** The process that has this pid now, or undefined when there is none or only its remains. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = HAS_PROC ? await startTimeFromProc(pid) : await startTimeFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** True while exactly this process runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

async function startTimeFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return state === 'Z' || state === 'X' ? undefined : parseProcStatStartTime(stat);
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
  return run('ps', psStartTimeArguments(pid), { env }).then(
    ({ stdout }) => parsePsStartTime(stdout),
    () => undefined,
  );
}
