/**
 * Images of this deployment's machines. All that is known of them is in the images themselves. An image is whole or it is
 * `pending` or `failed`, which nothing starts from.
 */
import type { CallContext, CancelSignal, MachineImage, MachineImages } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { parseVmWorkflowId } from '../../domain/wire-names.ts';
import { backoffMs } from '../../lib/waiting/backoff.ts';
import { pause } from './api-calls.ts';
import { CloudFailure, providerErrorOf } from './cloud-failure.ts';
import { ended, firstOf, isFailure } from './cloud-machine.ts';
import { ongoing, once, type CloudParts } from './cloud-parts.ts';
import type { CloudImage, CloudImages, CloudServer } from './cloud.ts';
import type { ImageRecord } from './image-record.ts';

interface Wanted {
  name: string;
  family: string | null;
  machineId: string;
}

export class CloudMachineImages implements MachineImages {
  private readonly parts: CloudParts;
  private readonly images: CloudImages;
  /** Names that this process has seen gone. */
  private readonly deleted = new Set<string>();

  constructor(parts: CloudParts, images: CloudImages) {
    this.parts = parts;
    this.images = images;
  }

  async create(wanted: Wanted, { signal }: CallContext): Promise<MachineImage> {
    const { name, machineId } = wanted;
    return this.withMappedErrors(`make image ${name} of ${machineId}`, signal, () =>
      this.parts.inTurn.run(`image ${name}`, signal, () => this.make(wanted, signal)),
    );
  }

  async list({ signal }: CallContext): Promise<MachineImage[]> {
    return this.withMappedErrors('list the images', signal, async () => {
      const found = await this.images.list(ongoing(signal));
      const names = new Set(found.map(({ record }) => record.imageId));
      return [...names].map((name) => {
        const ofName = found.filter(({ record }) => record.imageId === name);
        return machineImageOf(theImage(ofName) as CloudImage);
      });
    });
  }

  async deprecate(name: string, { signal }: CallContext): Promise<void> {
    await this.withMappedErrors(`deprecate image ${name}`, signal, async () => {
      const image = theImage(await this.images.find(name, ongoing(signal)));
      if (image === undefined) throw new ProviderError('imageUnknown', `image ${name} does not exist`);
      if (!image.deprecated) await this.images.deprecate(image, ongoing(signal));
    });
  }

  /** One that is being made is waited for: what was given up in the middle would come to be afterwards. */
  async delete(name: string, { signal }: CallContext): Promise<void> {
    await this.withMappedErrors(`delete image ${name}`, signal, async () => {
      const { settleMs, pollMs } = this.parts;
      let { found, isComing } = await this.lookFor(name, signal);
      if (found.length === 0 && !this.deleted.has(name)) {
        await pause(settleMs, signal);
        ({ found, isComing } = await this.lookFor(name, signal));
      }
      while (found.length > 0 || isComing) {
        const removed = await this.removeOf(
          found.filter(({ status }) => status !== 'pending'),
          signal,
        );
        const waits = isComing || found.some(({ status }) => status === 'pending');
        if (!removed || waits) await pause(pollMs, signal);
        ({ found, isComing } = await this.lookFor(name, signal));
      }
      this.deleted.add(name);
    });
  }

  /**
   * What the disk of a machine of `owner` begins with. Errors: `imageGone` where there is no such image, or it is not whole;
   * `permissionDenied` for one of another project.
   */
  async startImageOf(name: string, owner: string, signal: CancelSignal): Promise<CloudImage> {
    const image = theImage(await this.images.find(name, ongoing(signal)));
    if (image?.status !== 'ready') throw new ProviderError('imageGone', `image ${name} is not there`);
    const of = parseVmWorkflowId(image.record.owner)?.project;
    if (of === undefined || parseVmWorkflowId(owner)?.project !== of) {
      throw new ProviderError('permissionDenied', `image ${name} is of another project than ${owner}`);
    }
    return image;
  }

  private async lookFor(name: string, signal: CancelSignal): Promise<{ found: CloudImage[]; isComing: boolean }> {
    // In this order: what ends between the two is found.
    const isComing = (await this.images.mayCome?.(name, ongoing(signal))) ?? false;
    return { isComing, found: await this.images.find(name, ongoing(signal)) };
  }

  private async make(wanted: Wanted, signal: CancelSignal): Promise<MachineImage> {
    const { pollMs, settleMs, backOff } = this.parts;
    const startedAt = Date.now();
    /** Since when it should show. */
    let begunAt: number | undefined;
    for (let failures = 0; ;) {
      const { image, isAlone } = await this.present(wanted, signal);
      if (image?.status === 'ready' && isAlone) return machineImageOf(image);
      if (image !== undefined) begunAt = Date.now();
      const isOnItsWay = begunAt !== undefined && Date.now() - begunAt <= settleMs;
      if (image === undefined && begunAt !== undefined && !isOnItsWay) {
        throw new ProviderError('imageGone', `image ${wanted.name} was deleted while it was made`);
      }
      if (isOnItsWay) {
        await pause(pollMs, signal);
        continue;
      }
      const failure = await this.begin(wanted, signal);
      if (failure === undefined) {
        begunAt = Date.now();
        continue;
      }
      const pauseMs = backoffMs({ firstMs: backOff.firstMs, longestMs: backOff.mostMs }, failures);
      failures += 1;
      const waitMs = Math.max(pauseMs, failure.retryAfterMs ?? 0);
      if (Date.now() - startedAt + waitMs > backOff.budgetMs) throw failure;
      await pause(waitMs, signal);
    }
  }

  /** The image of that name; of several the first stays. One that failed is removed, and its making has failed. */
  private async present(
    { name, machineId }: Wanted,
    signal: CancelSignal,
  ): Promise<{ image: CloudImage | undefined; isAlone: boolean }> {
    const found = await this.images.find(name, ongoing(signal));
    for (const { record } of found) sameMachine(record, machineId);
    const image = theImage(found);
    // One that is still being made cannot be removed yet: it is waited for.
    const others = found.filter((other) => other !== image);
    const removable = others.filter(({ status }) => status !== 'pending');
    const isAlone = (await this.removeOf(removable, signal)) && removable.length === others.length;
    if (image?.status !== 'failed') return { image, isAlone };
    while (!(await this.removeOf([image], signal))) await pause(this.parts.pollMs, signal);
    throw new CloudFailure('unavailable', 'failed', `image ${name} came to nothing`);
  }

  /** A failure after which it may be looked for, and be begun again; others are thrown. */
  private async begin({ name, family, machineId }: Wanted, signal: CancelSignal): Promise<CloudFailure | undefined> {
    const { deployment } = this.parts;
    const server = await this.stopped(machineId, signal);
    const { owner } = server.record.labels;
    try {
      this.deleted.delete(name);
      await this.images.begin({ imageId: name, family, machineId, owner, deployment }, server, once(signal));
      return undefined;
    } catch (error) {
      if (isFailure(error, 'unavailable', 'rateLimited', 'exists', 'notReady')) return error;
      throw error;
    }
  }

  private async stopped(machineId: string, signal: CancelSignal): Promise<CloudServer> {
    const server = firstOf(await this.parts.cloud.find(machineId, ongoing(signal)));
    if (server === undefined) throw ended(machineId, 'does not exist');
    if (server.status === 'stopped') return server;
    throw new ProviderError('machineRuns', `${machineId} is ${server.status}`);
  }

  /** False where one is in use, or not to be had right now. */
  private async removeOf(found: readonly CloudImage[], signal: CancelSignal): Promise<boolean> {
    let all = true;
    for (const image of found) {
      await this.images.remove(image, ongoing(signal)).catch((error: unknown) => {
        if (isFailure(error, 'notReady')) all = false;
        else if (!isFailure(error, 'notFound')) throw error;
      });
    }
    return all;
  }

  private async withMappedErrors<Value>(
    doing: string,
    signal: CancelSignal,
    work: () => Promise<Value>,
  ): Promise<Value> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      throw providerErrorOf(error, error.kind === 'noCapacity' ? { doing, code: 'imageQuotaExceeded' } : { doing });
    }
  }
}

/** Deleted between the look at it and the make. */
export function imageGone({ record }: CloudImage): ProviderError {
  return new ProviderError('imageGone', `image ${record.imageId} is not there any more`);
}

/** Of several with one name everybody takes the same: that which was begun first and did not fail. */
function theImage(found: readonly CloudImage[]): CloudImage | undefined {
  const good = found.filter(({ status }) => status !== 'failed');
  return (good.length > 0 ? good : found).toSorted(
    (one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1),
  )[0];
}

function machineImageOf({ record, createdAt, status, deprecated, sizeBytes }: CloudImage): MachineImage {
  const { imageId: name, family, owner } = record;
  return {
    ...{ name, family, owner, createdAt, status, deprecated },
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}

function sameMachine({ imageId, machineId: of }: ImageRecord, machineId: string): void {
  if (of === machineId) return;
  throw new ProviderError('badSpec', `image ${imageId} was made from another machine; use another name`);
}
