/**
 * The end of the consoles of machines that were destroyed: a VM that failed is explained there, and its machine is gone
 * by the time anybody looks. Kept for an hour, and no more than so many.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '../host-failure.ts';
import { entriesOf, makePrivateDir, readTail } from './machine-files.ts';

const KEPT_BYTES = 64 * 1024;
const KEPT_MS = 3600 * 1000;
const MOST_KEPT = 1000;
const PRUNE_EVERY_MS = 60_000;
const LEFT_WHEN_FULL = 0.75;

export class KeptConsoles {
  readonly #dir: string;
  readonly #mostKept: number;
  #prunedAt = 0;

  constructor(dir: string, { mostKept = MOST_KEPT } = {}) {
    this.#dir = dir;
    this.#mostKept = mostKept;
  }

  /**
   * Keeps the end of a console; again replaces it. A machine without one leaves what was kept of it. `owner`: the workflow
   * id of its VM, where known.
   */
  async keep(machineId: string, consolePath: string, owner = ''): Promise<void> {
    const tail = await readTail(consolePath, KEPT_BYTES);
    if (tail === undefined || tail.length === 0) return;
    await makePrivateDir(this.#dir);
    const names = await entriesOf(this.#dir);
    // Some at once, so that a full directory is not looked through each time.
    if (names.length >= this.#mostKept) await this.#prune(names, Math.floor(this.#mostKept * LEFT_WHEN_FULL));
    const draft = join(this.#dir, `.${machineId}.${randomUUID()}`);
    try {
      await writeFile(draft, [Buffer.from(`${owner}\n`), tail], { mode: 0o600 });
      await rename(draft, this.#pathOf(machineId));
    } finally {
      await rm(draft, { force: true });
    }
  }

  /**
   * The last part of a kept console; undefined when none is kept, or not any more, or not of this `owner` where one is
   * given. Errors: `hostFailure`.
   */
  async read(machineId: string, maxBytes: number, owner?: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(machineId);
    const found = await unlessAbsent(stat(path));
    if (found === undefined || Date.now() - found.mtimeMs > KEPT_MS) return undefined;
    const kept = await unlessAbsent(readFile(path));
    // The first line says whose it is.
    const ownerEnd = kept?.indexOf('\n') ?? -1;
    if (kept === undefined || ownerEnd < 0) return undefined;
    if (owner !== undefined && kept.toString('utf8', 0, ownerEnd) !== owner) return undefined;
    const text = kept.subarray(ownerEnd + 1);
    return text.subarray(Math.max(0, text.length - maxBytes));
  }

  /** Removes those whose time is over; asked more often, it looks once a minute. */
  async pruneOld(): Promise<void> {
    if (Date.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = Date.now();
    await this.#prune(await entriesOf(this.#dir), this.#mostKept);
  }

  #pathOf(machineId: string): string {
    return join(this.#dir, machineId);
  }

  async #prune(names: readonly string[], mostKept: number): Promise<void> {
    const found = await Promise.all(
      names.map(async (name) => ({ name, keptAt: (await unlessAbsent(stat(join(this.#dir, name))))?.mtimeMs ?? 0 })),
    );
    const oldest = Date.now() - KEPT_MS;
    const newestFirst = found.sort((one, other) => other.keptAt - one.keptAt);
    for (const [index, { name, keptAt }] of newestFirst.entries()) {
      if (index >= mostKept || keptAt < oldest) await rm(join(this.#dir, name), { force: true });
    }
  }
}
