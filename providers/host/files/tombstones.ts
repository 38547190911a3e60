/** A tombstone says that an id was destroyed: whatever is still on its way to making the machine must give up. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '../host-failure.ts';
import { entriesOf } from './machine-files.ts';

const KEPT_MS = 24 * 3600 * 1000;

export class Tombstones {
  private readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  pathOf(machineId: string): string {
    return join(this.dir, machineId);
  }

  async add(machineId: string): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    await writeFile(this.pathOf(machineId), '', { mode: 0o600 });
  }

  /** Errors: `hostFailure`. */
  async has(machineId: string): Promise<boolean> {
    return (await unlessAbsent(stat(this.pathOf(machineId)))) !== undefined;
  }

  /** Removes tombstones that no create can still be on its way for. */
  async prune(now: number): Promise<void> {
    for (const machineId of await entriesOf(this.dir)) {
      const path = this.pathOf(machineId);
      const modifiedAt = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => now,
      );
      if (now - modifiedAt > KEPT_MS) await rm(path, { force: true });
    }
  }
}
