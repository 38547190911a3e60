/** Finds the processes of a machine whose own record of them is damaged. */
import { readFile, readdir, readlink, realpath } from 'node:fs/promises';
import type { LocalMachineProcess } from '../../../domain/machine/local-machine.ts';
import {
  parseProcStatStartTime,
  parsePsStartTime,
  psStartTimeArguments,
} from '../../../lib/processes/process-start-time.ts';
import { unlessAbsent } from '../host-failure.ts';
import { isErrno } from '../files/machine-files.ts';
import { HAS_PROC, ps } from './system-process.ts';

/**
 * Processes that lead a session or group of their own and have the machine's directory on their command line: that is
 * how machines are started. Errors: `hostFailure`.
 */
export async function findProcesses(dir: string): Promise<LocalMachineProcess[]> {
  return HAS_PROC ? findInProc(dir) : findByPs(dir);
}

async function findInProc(dir: string): Promise<LocalMachineProcess[]> {
  const pids = ((await unlessAbsent(readdir('/proc'))) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: LocalMachineProcess[] = [];
  for (const pid of pids) {
    if (pid === process.pid || !(await worksIn(pid, dir))) continue;
    const stat = (await readOf(pid, 'stat')) ?? '';
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    const startedAt = parseProcStatStartTime(stat);
    if (session === `${pid}` && startedAt !== undefined) found.push({ pid, startedAt });
  }
  return found;
}

async function worksIn(pid: number, dir: string): Promise<boolean> {
  const command = await readOf(pid, 'cmdline');
  if (command === undefined || !names(command.split('\0'), dir)) return false;
  const place = await ofOthersUnknown(unlessAbsent(readlink(`/proc/${pid}/cwd`)));
  return place !== undefined && place === (await unlessAbsent(realpath(dir)));
}

async function readOf(pid: number, file: 'cmdline' | 'stat'): Promise<string | undefined> {
  return ofOthersUnknown(unlessAbsent(readFile(`/proc/${pid}/${file}`, 'utf8')));
}

/** Of other users' processes the system may tell nothing; a machine is of our own, or of nobody where we are root. */
async function ofOthersUnknown<Found>(asking: Promise<Found | undefined>): Promise<Found | undefined> {
  return asking.catch((error: unknown) => {
    const { cause } = error as Error;
    if (isErrno(cause, 'EACCES') || isErrno(cause, 'EPERM')) return undefined;
    throw error;
  });
}

async function findByPs(dir: string): Promise<LocalMachineProcess[]> {
  const found: LocalMachineProcess[] = [];
  for (const line of (await ps(['-axww', '-o', 'pid=,pgid=,command='])).split('\n')) {
    const [, pid = '', group = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === '' || pid !== group || pid === `${process.pid}` || !names(command.split(' '), dir)) continue;
    const startedAt = parsePsStartTime(await ps(psStartTimeArguments(Number(pid))));
    if (startedAt !== undefined) found.push({ pid: Number(pid), startedAt });
  }
  return found;
}

/** QEMU takes a comma in a path when it is doubled. */
function names(words: readonly string[], dir: string): boolean {
  const forms = [dir, dir.replaceAll(',', ',,')];
  return words.some((word) => forms.some((form) => word === form || word.includes(`${form}/`)));
}
