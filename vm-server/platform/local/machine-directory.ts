import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  LOCAL_MACHINE_FILE,
  type LocalMachineAddress,
  type LocalManifest,
  type LocalMachineProcess,
} from '../../../domain/machine/local-machine.ts';
import {
  parseProcStatStartTime,
  parsePsStartTime,
  psStartTimeArguments,
} from '../../../lib/processes/process-start-time.ts';
import { replacePrivateFile } from '../../../lib/files/private-file.ts';

/** Reads what the provider wants of this machine. Throws with the file's name when it is not there or no JSON. */
export function readManifest(dir: string): LocalManifest {
  const path = join(dir, LOCAL_MACHINE_FILE.manifest);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LocalManifest;
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}. Give --dir the directory of a machine`, {
      cause: error,
    });
  }
}

/** Whether the machine was destroyed. Throws where that cannot be told: then it must not live. */
export function isDestroyed({ tombstonePath }: LocalManifest): boolean {
  try {
    statSync(tombstonePath);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Makes this process the machine. False when another process is, or was: a machine runs once. */
export function claimLife(dir: string): boolean {
  const life: LocalMachineProcess = { pid: process.pid, startedAt: ownStartTime() };
  const path = join(dir, LOCAL_MACHINE_FILE.process);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(life));
  try {
    // A link is made exclusively, as with 'wx', and nobody ever reads the file half written.
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

function ownStartTime(): string {
  const startedAt = procStartTime() ?? psStartTime();
  if (startedAt === undefined) throw new Error('neither /proc/self/stat nor `ps` tells when this process started');
  return startedAt;
}

function procStartTime(): string | undefined {
  try {
    return parseProcStatStartTime(readFileSync('/proc/self/stat', 'utf8'));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    // What ps tells instead would name another process to those who read /proc.
    throw error;
  }
}

function psStartTime(): string | undefined {
  const env = { ...process.env, LC_ALL: 'C' };
  return parsePsStartTime(execFileSync('ps', psStartTimeArguments(process.pid), { env, encoding: 'utf8' }));
}

/** Tells the provider where the machine is; whoever reads the file sees all of it. */
export function writeAddress(dir: string, address: LocalMachineAddress): void {
  replacePrivateFile(join(dir, LOCAL_MACHINE_FILE.address), JSON.stringify(address));
}
