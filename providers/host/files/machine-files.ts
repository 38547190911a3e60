/** Files of machines of this host: written whole, and read with suspicion. */
import { createHash, randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LOCAL_MACHINE_FILE,
  type LocalMachineAddress,
  type LocalMachineProcess,
} from '../../../domain/machine/local-machine.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { readChecked } from './checked-file.ts';
import { unlessAbsent } from '../host-failure.ts';
import { addressSchema, processSchema } from './machine-schemas.ts';

/** Longest unix socket path that every system takes. */
const MAX_SOCKET_PATH_BYTES = 100;
const MACHINE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Ids become file names, so anything else than the plain form is no id. */
export function isMachineId(machineId: string): boolean {
  return MACHINE_ID.test(machineId);
}

/** The agent's socket: in the machine's directory, or in a short one of our own when that path is too long. */
export function socketPathOf(machineDir: string): { path: string; shortDir: string | null } {
  const inside = join(machineDir, 'agent.sock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return { path: inside, shortDir: null };
  const hash = createHash('sha256').update(machineDir).digest('hex').slice(0, 16);
  const inTmp = join(tmpdir(), `ephemera-${hash}`);
  const shortDir = Buffer.byteLength(inTmp) <= MAX_SOCKET_PATH_BYTES - 16 ? inTmp : `/tmp/ephemera-${hash}`;
  return { path: join(shortDir, 'agent.sock'), shortDir };
}

/** Makes a directory that only we can enter, and refuses one that somebody else put there. */
export async function makePrivateDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const ours = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isDirectory() || !ours) {
    throw new ProviderError('permissionDenied', `${path} is not a directory of this user; move it away`);
  }
}

/** Writes a file whole and only if there is none; false when another writer was first. */
export async function writeOnce(dir: string, name: string, text: string): Promise<boolean> {
  const draft = join(dir, `.${name}.${randomUUID()}`);
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, join(dir, name));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Errors: `hostFailure`, a DamagedFile among them. */
export async function readProcess(dir: string): Promise<LocalMachineProcess | undefined> {
  return readChecked(join(dir, LOCAL_MACHINE_FILE.process), processSchema);
}

/** Errors: `hostFailure`, a DamagedFile among them. */
export async function readAddress(dir: string): Promise<LocalMachineAddress | undefined> {
  return readChecked(join(dir, LOCAL_MACHINE_FILE.address), addressSchema);
}

const TAIL_TRIES = 3;

/** The last bytes of a file, or undefined when there is none. Errors: `hostFailure`. */
export async function readTail(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const file = await unlessAbsent(open(path, 'r'));
  if (file === undefined) return undefined;
  try {
    for (let tries = 1; ; tries += 1) {
      const { size } = await file.stat();
      const length = Math.min(size, maxBytes);
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, size - length);
      // It was cut in between: its last bytes are elsewhere now.
      if (bytesRead < length && tries < TAIL_TRIES) continue;
      return buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Names in a directory; none when it is not there. Errors: `hostFailure`. */
export async function entriesOf(dir: string): Promise<string[]> {
  return (await unlessAbsent(readdir(dir))) ?? [];
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
