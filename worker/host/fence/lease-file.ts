/**
 * What the worker leaves for the fence, which outlives it. The file keeps its size and is overwritten in place: a full disk
 * must not keep a healthy host from renewing it.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { bootId } from '../../../lib/processes/boot-id.ts';
import { z } from 'zod';
import { stopTime } from '../../../domain/host/fence.ts';
import { identify, isAlive } from '../../../lib/processes/process-identity.ts';
import { secondsSinceBoot } from '../../../lib/processes/seconds-since-boot.ts';
import { HostConflictError } from '../host-claim.ts';

const FILE = 'lease.json';
const BYTES = 512;

const noteSchema = z.object({
  /** Times of another boot mean nothing; its machines ended with it. */
  bootId: z.string(),
  stopAt: z.number().nullable(),
  lostSeconds: z.number(),
  /** The worker that writes. */
  worker: z.object({ pid: z.number(), startedAt: z.string() }),
  /** Port of Temporal on this very computer; null where it is elsewhere. */
  temporalPort: z.number().nullable(),
});
export type LeaseNote = z.infer<typeof noteSchema>;

export function leaseFileOf(stateDir: string): string {
  return join(stateDir, FILE);
}

/** Undefined: none, of an earlier boot, or just being written. */
export async function readLeaseNote(stateDir: string): Promise<LeaseNote | undefined> {
  try {
    const note = noteSchema.parse(JSON.parse(await readFile(leaseFileOf(stateDir), 'utf8')));
    return note.bootId === bootId() ? note : undefined;
  } catch {
    return undefined;
  }
}

/** The worker's side: what it knows of its lease, and the file that tells the fence. */
export class LeaseFile {
  readonly #file: FileHandle;
  readonly #lostSeconds: number;
  #note: LeaseNote;

  private constructor(file: FileHandle, note: LeaseNote, lostSeconds: number) {
    this.#file = file;
    this.#note = note;
    this.#lostSeconds = lostSeconds;
  }

  /**
   * Goes on with what an earlier worker of this boot has noted: its machines may still serve. Rejects where another worker
   * of this state directory runs.
   */
  static async open(stateDir: string, note: Omit<LeaseNote, 'bootId' | 'stopAt' | 'worker'>): Promise<LeaseFile> {
    const worker = await identify(process.pid);
    if (worker === undefined) throw new Error('the system does not tell the start time of this process');
    const before = await readLeaseNote(stateDir);
    if (before !== undefined && before.worker.pid !== worker.pid && (await isAlive(before.worker))) {
      throw new HostConflictError(
        `worker process ${before.worker.pid} runs machines in ${stateDir} already; stop it first, or give this host an id and a ` +
          'state directory of its own (EPHEMERA_HOST_ID, EPHEMERA_STATE_DIR)',
      );
    }
    const file = await open(leaseFileOf(stateDir), 'a', 0o600).then(async (made) => {
      await made.close();
      return open(leaseFileOf(stateDir), 'r+');
    });
    // The registry goes by an earlier setting until this worker announces itself.
    const kept = { stopAt: before?.stopAt ?? null, lostSeconds: before?.lostSeconds ?? note.lostSeconds };
    const opened = new LeaseFile(file, { ...note, ...kept, worker, bootId: bootId() }, note.lostSeconds);
    await opened.#write();
    return opened;
  }

  /** True once the machines of this host may be called lost, or will be in a moment: nothing they say counts. */
  get isOver(): boolean {
    return this.#note.stopAt !== null && secondsSinceBoot() >= this.#note.stopAt;
  }

  /** Temporal confirmed the lease by a call that began at `at`, in seconds since boot. */
  async renew(at: number): Promise<void> {
    const lostSeconds = this.#lostSeconds;
    this.#note = { ...this.#note, lostSeconds, stopAt: stopTime(at, lostSeconds) };
    await this.#write();
  }

  /**
   * From a call on that begins at `at`, in seconds since boot, the registry may go by the setting of this worker, also where
   * that never gets a lease: where it is the shorter one, the fence goes by it too.
   */
  async announce(at: number): Promise<void> {
    const lostSeconds = this.#lostSeconds;
    const stopAt = stopTime(at, lostSeconds);
    if (this.#note.stopAt === null || this.#note.stopAt <= stopAt) return;
    this.#note = { ...this.#note, lostSeconds, stopAt };
    await this.#write();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(): Promise<void> {
    await this.#file.write(JSON.stringify(this.#note).padEnd(BYTES), 0);
  }
}
