/**
 * Images of this deployment's machines. All that is known of them is in the images themselves. An image is whole or it is
 * `pending` or `failed`, which nothing starts from.
 */
import { randomUUID } from 'node:crypto';
import type { CallContext, CancelSignal, MachineImage, MachineImages } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { parseVmWorkflowId } from '../../../domain/wire-names.ts';
import { pause, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { ImageRecord } from '../../cloud/image-record.ts';
import { requestIdOf } from '../../cloud/request-id.ts';
import { asProviderError } from '../calls/client-errors.ts';
import type { ImageResource, InstanceResource } from '../calls/compute-api.ts';
import { imageRecordOf, machineImageOf, writtenRecord } from './image-record.ts';
import { InsertTries } from './insert-tries.ts';
import { LABEL, imageFamilyOf, serverNameOf } from '../../cloud/resource-names.ts';
import { labelValueOf } from './instance-names.ts';
import type { InstanceParts } from './instance-parts.ts';
import { recordOf } from './machine-facts.ts';

/** Of our request ids, which Compute Engine keeps for an hour. */
const REQUEST_NAMESPACE = 'ephemera.compute.image.v1';
/** Request ids of one image: each new one after the operation of the one before has failed. */
const MAX_TRIES = 30;
/** In these nothing writes to the disk any more. */
const STOPPED: readonly (string | undefined)[] = ['TERMINATED', 'STOPPED'];

export interface ImageParts extends InstanceParts {
  deployment: string;
}

/** What a disk begins with. */
export interface StartDisk {
  /** Path of the image. */
  source: string;
  /** The disk is at least as large. */
  sizeGb: number;
}

interface Wanted {
  name: string;
  family: string | null;
  machineId: string;
}

export class MachineDiskImages implements MachineImages {
  private readonly parts: () => Promise<ImageParts>;
  private readonly tries = new InsertTries(Date.now);

  constructor(parts: () => Promise<ImageParts>) {
    this.parts = parts;
  }

  async create(wanted: Wanted, { signal }: CallContext): Promise<MachineImage> {
    const { name, machineId } = wanted;
    return this.withMappedErrors(`make image ${name} of ${machineId}`, signal, async (settings) => {
      const begun = await this.find(name, settings);
      if (begun !== undefined) sameMachine(begun.record, machineId);
      else await this.insert(wanted, await this.stopped(machineId, settings), settings);
      return this.awaitReady(name, machineId, settings);
    });
  }

  async list({ signal }: CallContext): Promise<MachineImage[]> {
    return this.withMappedErrors('list the images', signal, async (settings) => {
      const { api, calls, project, deployment } = await this.parts();
      const filter = `labels.${LABEL.deployment} = "${labelValueOf(deployment)}"`;
      return calls.make(settings, async (options) => {
        const found: MachineImage[] = [];
        const pages = api.images.listAsync({ project, filter }, { ...options, autoPaginate: false });
        for await (const image of pages) {
          const record = imageRecordOf(image);
          if (record?.deployment === deployment) found.push(machineImageOf(record, image));
        }
        return found;
      });
    });
  }

  async deprecate(name: string, { signal }: CallContext): Promise<void> {
    await this.withMappedErrors(`deprecate image ${name}`, signal, async (settings) => {
      const { api, calls, operations, project, deployment } = await this.parts();
      const found = await this.find(name, settings);
      if (found === undefined) throw new ProviderError('imageUnknown', `image ${name} does not exist`);
      if (found.image.deprecated) return;
      const target = { project, image: serverNameOf(deployment, name), requestId: randomUUID() };
      const [{ latestResponse }] = await calls.make(settings, (options) =>
        api.images.deprecate({ ...target, deprecationStatusResource: { state: 'DEPRECATED' } }, options),
      );
      await operations.settledGlobally(latestResponse, settings);
    });
  }

  /** One that is being made is waited for: what was given up in the middle would come to be afterwards. */
  async delete(name: string, { signal }: CallContext): Promise<void> {
    await this.withMappedErrors(`delete image ${name}`, signal, async (settings) => {
      const { pollMs } = await this.parts();
      let found = await this.find(name, settings);
      if (found === undefined) {
        await this.settleInserts(name, settings);
        found = await this.find(name, settings);
      }
      while (found !== undefined) {
        const isPending = found.image.status === 'PENDING';
        if (isPending || !(await this.deleteOnce(name, settings))) await pause(pollMs, settings.signal);
        found = await this.find(name, settings);
      }
    });
  }

  /**
   * The disk that a machine of `owner` begins with. Errors: `imageGone` where there is no such image, or it is not whole;
   * `permissionDenied` for one of another project or deployment.
   */
  async startDiskOf(name: string, owner: string, settings: CallSettings): Promise<StartDisk> {
    const { project, deployment } = await this.parts();
    const found = await this.find(name, settings);
    const sizeGb = Number(found?.image.diskSizeGb ?? 0);
    if (found?.image.status !== 'READY') throw new ProviderError('imageGone', `image ${name} is not there`);
    const of = parseVmWorkflowId(found.record.owner)?.project;
    if (of === undefined || parseVmWorkflowId(owner)?.project !== of) {
      throw new ProviderError('permissionDenied', `image ${name} is of another project than ${owner}`);
    }
    return { source: `projects/${project}/global/images/${serverNameOf(deployment, name)}`, sizeGb };
  }

  private async stopped(machineId: string, settings: CallSettings): Promise<InstanceResource> {
    const instance = await (await this.parts()).instances.find(machineId, settings);
    if (instance === undefined) throw new ProviderError('machineEnded', `${machineId} does not exist`);
    if (STOPPED.includes(instance.status)) return instance;
    throw new ProviderError('machineRuns', `${machineId} is ${instance.status ?? 'of no known status'}`);
  }

  /** Begins the image once, whatever is lost or repeated, and resolves when its operation has settled. */
  private async insert(wanted: Wanted, instance: InstanceResource, settings: CallSettings): Promise<void> {
    const { name } = wanted;
    for (let attempt = this.tries.next(name); attempt < MAX_TRIES; attempt++) {
      const failed = await this.tryOnce(wanted, instance, attempt, settings);
      if (failed === undefined) {
        this.tries.forget(name);
        return;
      }
      const { failure, replayed } = failed;
      // Only what is known to have ended may be followed by another try; the rest is asked again under the same id.
      if (failure.settled) this.tries.note(name, attempt + 1);
      if (replayed && failure.settled) continue;
      if (failure.settled) await this.removeFailed(name, settings);
      throw failure;
    }
    throw new CloudFailure('unavailable', 'tries', `${MAX_TRIES} tries of the last hour have failed`);
  }

  private async tryOnce(
    { name, family, machineId }: Wanted,
    instance: InstanceResource,
    attempt: number,
    settings: CallSettings,
  ): Promise<{ failure: CloudFailure; replayed: boolean } | undefined> {
    const { api, calls, operations, project, deployment } = await this.parts();
    const sourceDisk = instance.disks?.find(({ boot }) => boot === true)?.source;
    const owner = recordOf(instance)?.labels.owner;
    if (sourceDisk === undefined || owner === undefined) {
      throw new ProviderError('badSpec', `${machineId} has no boot disk`);
    }
    const imageResource: ImageResource = {
      name: serverNameOf(deployment, name),
      ...(family === null ? {} : { family: imageFamilyOf(deployment, owner, family) }),
      sourceDisk,
      ...writtenRecord({ imageId: name, family, machineId, owner, deployment }),
    };
    const requestId = requestIdOf(REQUEST_NAMESPACE, deployment, name, attempt);
    let replayed = false;
    try {
      const [{ latestResponse }] = await calls.make(settings, (options) =>
        api.images.insert({ project, requestId, imageResource }, options),
      );
      // An operation that is done when its insert is answered was the answer to an earlier one.
      replayed = latestResponse.status === 'DONE';
      await operations.settledGlobally(latestResponse, settings);
      return undefined;
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      return error.kind === 'exists' ? undefined : { failure: error, replayed };
    }
  }

  /** Of an image that came to nothing Compute Engine may leave one that is FAILED. */
  private async awaitReady(name: string, machineId: string, settings: CallSettings): Promise<MachineImage> {
    const { pollMs } = await this.parts();
    for (;;) {
      const found = await this.find(name, settings);
      if (found === undefined) throw new ProviderError('imageGone', `image ${name} was deleted while it was made`);
      const { record, image } = found;
      sameMachine(record, machineId);
      if (image.status === 'READY') return machineImageOf(record, image);
      if (image.status === 'FAILED') {
        await this.removeFailed(name, settings);
        throw new CloudFailure('unavailable', 'FAILED', `image ${name} came to nothing`);
      }
      await pause(pollMs, settings.signal);
    }
  }

  private async removeFailed(name: string, settings: CallSettings): Promise<void> {
    const { pollMs } = await this.parts();
    while ((await this.find(name, settings))?.image.status === 'FAILED') {
      if (!(await this.deleteOnce(name, settings))) await pause(pollMs, settings.signal);
    }
  }

  /** False where it is in use, or not to be had right now. */
  private async deleteOnce(name: string, settings: CallSettings): Promise<boolean> {
    const { api, calls, operations, project, deployment } = await this.parts();
    // A fresh id each time: a delete that failed must not be answered with its own failure for an hour.
    const target = { project, image: serverNameOf(deployment, name), requestId: randomUUID() };
    try {
      const [{ latestResponse }] = await calls.make(settings, (options) => api.images.delete(target, options));
      await operations.settledGlobally(latestResponse, settings);
      return true;
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      if (error.kind === 'notFound') return true;
      if (error.kind === 'notReady') return false;
      throw error;
    }
  }

  /** An insert that was accepted and has not begun shows no image yet. */
  private async settleInserts(name: string, settings: CallSettings): Promise<void> {
    const { api, calls, operations, project, deployment } = await this.parts();
    const filter = `targetLink eq ".*/global/images/${serverNameOf(deployment, name)}"`;
    const pending = await calls.make(settings, async (options) => {
      const found = [];
      const pages = api.globalOperations.listAsync({ project, filter }, { ...options, autoPaginate: false });
      for await (const operation of pages) if (operation.status !== 'DONE') found.push(operation);
      return found;
    });
    for (const operation of pending) {
      await operations.settledGlobally(operation, settings).catch((error: unknown) => {
        if (!(error instanceof CloudFailure) || error.passes) throw error;
      });
    }
  }

  /** The image if it is ours; one that is somebody else's is never touched. */
  private async find(
    name: string,
    settings: CallSettings,
  ): Promise<{ record: ImageRecord; image: ImageResource } | undefined> {
    const { api, calls, project, deployment } = await this.parts();
    const resource = serverNameOf(deployment, name);
    const image = await calls.find(settings, (options) => api.images.get({ project, image: resource }, options));
    if (image === undefined) return undefined;
    const record = imageRecordOf(image);
    if (record?.imageId === name && record.deployment === deployment) return { record, image };
    throw new ProviderError('permissionDenied', `image ${resource} is not of deployment ${deployment}`);
  }

  private async withMappedErrors<Value>(
    doing: string,
    signal: CancelSignal,
    work: (settings: CallSettings) => Promise<Value>,
  ): Promise<Value> {
    signal.throwIfAborted();
    try {
      return await work({ purpose: 'ongoing', signal });
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      if (error.kind !== 'noCapacity') throw asProviderError(error, { doing });
      throw new ProviderError('imageQuotaExceeded', `${doing}: ${error.message}`, { cause: error });
    }
  }
}

function sameMachine({ imageId, machineId: of }: ImageRecord, machineId: string): void {
  if (of === machineId) return;
  throw new ProviderError('badSpec', `image ${imageId} was made from another machine; use another name`);
}
