/**
 * Images of machines of this host, each a directory of its own: `image.json` says what it is, and beside it is what the
 * provider keeps of a machine. Both appear at once, by a rename, so that an image is whole or not there at all.
 */
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseVmWorkflowId } from '../../domain/wire-names.ts';
import type { CallContext, CancelSignal, MachineImage, MachineImages } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { readChecked } from './files/checked-file.ts';
import { withFullDiskOf } from './files/disk-room.ts';
import { DamagedFile, unlessAbsent, withHostFailures } from './host-failure.ts';
import type { HostMachines } from './host-machines.ts';
import { leftoverPath, pruneLeftovers, removeLeftover } from './files/leftovers.ts';
import { entriesOf, isErrno, isMachineId, jsonText, makePrivateDir } from './files/machine-files.ts';

const MANIFEST = 'image.json';

const manifestSchema = z.looseObject({
  name: z.string(),
  family: z.string().nullable(),
  machineId: z.string(),
  owner: z.string(),
  deployment: z.string(),
  createdAt: z.number(),
  sizeBytes: z.number(),
});
type ImageManifest = z.output<typeof manifestSchema>;

export interface HostImagesParts {
  imagesDir: string;
  /** Named where the disk is full. */
  stateDir: string;
  deployment: string;
  machines: Pick<HostMachines<never>, 'describe' | 'power'>;
  /** Writes what is kept of the stopped machine in `machineDir` into `imageDir`; resolves with its bytes. */
  keep: (machineDir: string, imageDir: string, signal: CancelSignal) => Promise<number>;
}

/** Names of images are ids like those of machines: they become names of directories. */
export class HostImages implements MachineImages {
  readonly #parts: HostImagesParts;

  constructor(parts: HostImagesParts) {
    this.#parts = parts;
  }

  async create(
    image: { name: string; family: string | null; machineId: string },
    { signal }: CallContext,
  ): Promise<MachineImage> {
    const { name, machineId } = image;
    if (!isMachineId(name)) throw new ProviderError('badSpec', `the image id ${JSON.stringify(name)} is none`);
    const { stateDir, machines } = this.#parts;
    const made = await this.#found(name);
    if (made !== undefined) return this.#sameMachine(made, machineId);
    const machine = await machines.describe(machineId, signal);
    if (machine === undefined) throw new ProviderError('machineEnded', `${machineId} does not exist`);
    const { owner } = machine.labels;
    await withFullDiskOf(stateDir, `the image of ${machineId}`, () =>
      machines.power.whileStopped(machineId, signal, (dir) => this.#make({ ...image, owner }, dir, signal)),
    );
    const found = await this.#found(name);
    if (found === undefined) throw new ProviderError('imageGone', `image ${name} was deleted while it was made`);
    return this.#sameMachine(found, machineId);
  }

  /** One whose manifest is damaged hides no other: it is `failed`, and nobody's. */
  async list({ signal }: CallContext): Promise<MachineImage[]> {
    signal.throwIfAborted();
    const { imagesDir } = this.#parts;
    return withHostFailures(async () => {
      const names = (await entriesOf(imagesDir)).filter(isMachineId);
      const found = await Promise.all(names.map((name) => this.#listed(name)));
      return found.filter((image) => image !== undefined);
    });
  }

  /** Images of hosts have no families that stand for their newest one: their callers name an image. */
  deprecate(): Promise<void> {
    return Promise.resolve();
  }

  async delete(name: string, { signal }: CallContext): Promise<void> {
    signal.throwIfAborted();
    const manifest = await this.#found(name);
    if (manifest === undefined) return;
    this.#requireOurs(manifest);
    const { imagesDir } = this.#parts;
    await withHostFailures(async () => {
      const leftover = leftoverPath(imagesDir);
      await rename(join(imagesDir, name), leftover).catch((error: unknown) => {
        if (!isErrno(error, 'ENOENT')) throw error;
      });
      await removeLeftover(leftover);
    });
  }

  /**
   * The directory of an image that a machine of `owner` begins with. Errors: `imageGone`; `permissionDenied` for one of
   * another project or deployment.
   */
  async directoryFor(name: string, owner: string): Promise<string> {
    const manifest = await this.#ours(name);
    const project = parseVmWorkflowId(manifest.owner)?.project;
    if (project === undefined || parseVmWorkflowId(owner)?.project !== project) {
      throw new ProviderError('permissionDenied', `image ${name} is of another project than ${owner}`);
    }
    return join(this.#parts.imagesDir, name);
  }

  /** The directory of an image of this deployment, for what is nobody's secret. Errors: `imageGone`, `permissionDenied`. */
  async directoryOf(name: string): Promise<string> {
    await this.#ours(name);
    return join(this.#parts.imagesDir, name);
  }

  async #ours(name: string): Promise<ImageManifest> {
    const manifest = await this.#found(name);
    if (manifest === undefined) throw new ProviderError('imageGone', `image ${name} is not on this host`);
    this.#requireOurs(manifest);
    return manifest;
  }

  /** What was begun has another name until it is whole; of one that fails nothing stays. */
  async #make(
    image: { name: string; family: string | null; machineId: string; owner: string },
    machineDir: string,
    signal: CancelSignal,
  ): Promise<void> {
    const { imagesDir, deployment, keep } = this.#parts;
    await makePrivateDir(imagesDir);
    await pruneLeftovers(imagesDir, Date.now());
    const draft = leftoverPath(imagesDir);
    try {
      await makePrivateDir(draft);
      const sizeBytes = await keep(machineDir, draft, signal);
      const manifest: ImageManifest = { ...image, deployment, createdAt: Date.now(), sizeBytes };
      replacePrivateFile(join(draft, MANIFEST), jsonText(manifest));
      signal.throwIfAborted();
      await rename(draft, join(imagesDir, image.name)).catch((error: unknown) => {
        // An attempt that was given up has made it.
        if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
      });
    } finally {
      await removeLeftover(draft);
    }
  }

  async #listed(name: string): Promise<MachineImage | undefined> {
    try {
      const manifest = await this.#found(name);
      return manifest?.deployment === this.#parts.deployment ? imageOf(manifest) : undefined;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      return { name, family: null, createdAt: 0, status: 'failed', deprecated: false };
    }
  }

  async #found(name: string): Promise<ImageManifest | undefined> {
    if (!isMachineId(name)) return undefined;
    const dir = join(this.#parts.imagesDir, name);
    if ((await unlessAbsent(stat(dir))) === undefined) return undefined;
    return readChecked(join(dir, MANIFEST), manifestSchema);
  }

  #sameMachine(manifest: ImageManifest, machineId: string): MachineImage {
    this.#requireOurs(manifest);
    if (manifest.machineId === machineId) return imageOf(manifest);
    throw new ProviderError('badSpec', `image ${manifest.name} was made from another machine; use another name`);
  }

  #requireOurs({ name, deployment }: ImageManifest): void {
    if (deployment === this.#parts.deployment) return;
    throw new ProviderError('permissionDenied', `image ${name} belongs to deployment ${deployment}`);
  }
}

function imageOf({ name, family, createdAt, sizeBytes, owner }: ImageManifest): MachineImage {
  return { name, family, createdAt, status: 'ready', deprecated: false, sizeBytes, owner };
}
