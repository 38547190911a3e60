/** Processes as the operating system tells them: a pid alone may have been given to somebody else. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { LocalMachineProcess } from '../../../domain/machine/local-machine.ts';
import {
  parseProcStatStartTime,
  parsePsStartTime,
  psStartTimeArguments,
} from '../../../lib/processes/process-start-time.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { readText } from '../files/checked-file.ts';
import { asHostFailure } from '../host-failure.ts';

const run = promisify(execFile);
export const HAS_PROC = existsSync('/proc/self/stat');

/**
 * True while exactly this process runs. A zombie ended already: only its parent has not looked yet. Errors:
 * `hostFailure` where the system does not tell.
 */
export async function isAlive({ pid, startedAt }: LocalMachineProcess): Promise<boolean> {
  const seen = HAS_PROC ? await readProcStat(pid) : await askPs(pid);
  return seen !== undefined && !/^[ZXx]/.test(seen.state) && seen.startedAt === startedAt;
}

/** Sends a signal to exactly this process; one that is gone is fine. */
export async function signalProcess(machine: LocalMachineProcess, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(machine))) return;
  try {
    process.kill(machine.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGKILL for exactly this process and what it left in its group; it leads one of its own. Gone is fine. */
export async function killWithGroup(machine: LocalMachineProcess): Promise<void> {
  if (await isAlive(machine)) killGroup(machine.pid);
}

/** SIGKILL for a process that was not waited for yet, and for its group. Gone is fine. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Takes the processor from exactly this process and its group, until {@link resumeGroup}. Gone is fine. */
export async function pauseGroup(machine: LocalMachineProcess): Promise<void> {
  await signalGroup(machine, 'SIGSTOP');
}

export async function resumeGroup(machine: LocalMachineProcess): Promise<void> {
  await signalGroup(machine, 'SIGCONT');
}

async function signalGroup(machine: LocalMachineProcess, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(machine))) return;
  try {
    process.kill(-machine.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface SeenProcess {
  state: string;
  startedAt: string;
}

async function readProcStat(pid: number): Promise<SeenProcess | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const startedAt = parseProcStatStartTime(stat);
  if (startedAt === undefined) throw new ProviderError('hostFailure', `/proc/${pid}/stat does not tell its start`);
  return { state: stat.slice(stat.lastIndexOf(')') + 2), startedAt };
}

async function askPs(pid: number): Promise<SeenProcess | undefined> {
  const startedAt = parsePsStartTime(await ps(psStartTimeArguments(pid)));
  const state = (await ps(['-o', 'stat=', '-p', `${pid}`])).trim();
  return startedAt === undefined || state === '' ? undefined : { state, startedAt };
}

/** What `ps` prints; nothing when there is no such process. */
export async function ps(args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
  return run('ps', args, { env }).then(({ stdout }) => stdout, emptyWhenAbsent);
}

/** It ends with 1 and says nothing when there is none; everything else is a failure of its own. */
function emptyWhenAbsent(error: unknown): string {
  const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
  if (code === 1 && (stderr ?? '').trim() === '') return '';
  if (typeof code === 'string') throw asHostFailure(error);
  throw new ProviderError('hostFailure', `ps does not tell of a process: ${message}`, { cause: error });
}
