/**
 * Users of the host, one for each guest whose QEMU is started by root: what breaks out of one guest can neither signal
 * nor trace another's QEMU, and has none of its files. Nobody makes these users; a number is enough.
 */
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { readText } from '../../host/files/checked-file.ts';
import { unlessAbsent } from '../../host/host-failure.ts';
import { makePrivateDir, writeOnce } from '../../host/files/machine-files.ts';

/** From 2^31 - 2^28 to 2^31: above every range that systemd, containers or useradd give out, and a positive number. */
export const GUEST_UIDS = { first: 0x7000_0000, count: 0x0fff_fff0 } as const;
const MOST_CANDIDATES = 16;

/** A claim is a file named after the number that holds the machine's id, so it outlives the worker. */
export class GuestUsers {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The machine's user, the same one at each call until its release. Errors: `noCapacity`, `hostFailure`. */
  async claim(machineId: string): Promise<number> {
    await makePrivateDir(this.#dir);
    for (const uid of candidates(machineId)) {
      if (!(await writeOnce(this.#dir, `${uid}`, machineId))) {
        if ((await readText(this.#pathOf(uid))) === machineId) return uid;
        continue;
      }
      if (!(await isInUse(uid))) return uid;
      await rm(this.#pathOf(uid), { force: true });
    }
    throw new ProviderError('noCapacity', `no user of the host is free for ${machineId}`);
  }

  /** For a machine that is gone; without a claim nothing. Errors: `hostFailure`. */
  async release(machineId: string): Promise<void> {
    for (const uid of candidates(machineId)) {
      if ((await readText(this.#pathOf(uid))) === machineId) await rm(this.#pathOf(uid), { force: true });
    }
  }

  #pathOf(uid: number): string {
    return join(this.#dir, `${uid}`);
  }
}

function* candidates(machineId: string): Generator<number> {
  for (let attempt = 0; attempt < MOST_CANDIDATES; attempt += 1) {
    const hash = createHash('sha256').update(`${machineId}/${attempt}`).digest();
    yield GUEST_UIDS.first + (hash.readUInt32BE(0) % GUEST_UIDS.count);
  }
}

/** Whether a process has it, of another deployment of this computer for one. */
async function isInUse(uid: number): Promise<boolean> {
  const pids = ((await unlessAbsent(readdir('/proc'))) ?? []).filter((name) => /^\d+$/.test(name));
  const owners = await Promise.all(pids.map(async (pid) => (await unlessAbsent(stat(`/proc/${pid}`)))?.uid));
  return owners.includes(uid);
}
