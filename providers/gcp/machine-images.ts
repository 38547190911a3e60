import { randomUUID } from 'node:crypto';
import type { CancelSignal, MachineImage, MachineImages } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { ApiCalls, CallSettings } from './api-calls.ts';
import { ComputeFailure, asProviderError } from './client-errors.ts';
import type { ComputeApi, ImageResource } from './compute-api.ts';
import { LABEL, labelValueOf } from './instance-names.ts';
import type { Instances } from './instances.ts';
import type { Operations } from './operations.ts';

export interface ImageParts {
  api: ComputeApi;
  calls: ApiCalls;
  operations: Operations;
  instances: Instances;
  project: string;
  deployment: string;
}

/** Images of this deployment's machines, told from others by their label. */
export class MachineDiskImages implements MachineImages {
  private readonly parts: () => Promise<ImageParts>;

  constructor(parts: () => Promise<ImageParts>) {
    this.parts = parts;
  }

  async create(
    { name, family, machineId }: { name: string; family: string | null; machineId: string },
    signal: CancelSignal,
  ): Promise<MachineImage> {
    return this.inOurWords(`make image ${name}`, signal, async (settings) => {
      const { api, calls, operations, instances, project, deployment } = await this.parts();
      const instance = await instances.find(machineId, settings);
      if (instance === undefined) throw new ProviderError('machineEnded', `${machineId} does not exist`);
      const sourceDisk = instance.disks?.find(({ boot }) => boot === true)?.source;
      if (sourceDisk === undefined) throw new ProviderError('badSpec', `${machineId} has no boot disk`);
      const imageResource: ImageResource = {
        name,
        ...(family === null ? {} : { family }),
        sourceDisk,
        labels: { [LABEL.deployment]: labelValueOf(deployment), [LABEL.machine]: labelValueOf(machineId) },
      };
      try {
        const [{ latestResponse }] = await calls.make(settings, (options) =>
          api.images.insert({ project, requestId: randomUUID(), imageResource }, options),
        );
        await operations.settledGlobally(latestResponse, settings);
      } catch (error) {
        if (!(error instanceof ComputeFailure) || error.kind !== 'exists') throw error;
      }
      const image = await this.own(name, settings);
      if (image?.labels?.[LABEL.machine] === labelValueOf(machineId)) return imageOf(image);
      throw new ProviderError('badSpec', `field name: image ${name} was made from another machine; use another name`);
    });
  }

  async list(signal: CancelSignal): Promise<MachineImage[]> {
    return this.inOurWords('list the images', signal, async (settings) => {
      const { api, calls, project, deployment } = await this.parts();
      const filter = `labels.${LABEL.deployment} = "${labelValueOf(deployment)}"`;
      return calls.make(settings, async (options) => {
        const found: MachineImage[] = [];
        const pages = api.images.listAsync({ project, filter }, { ...options, autoPaginate: false });
        for await (const image of pages) found.push(imageOf(image));
        return found;
      });
    });
  }

  async deprecate(name: string, signal: CancelSignal): Promise<void> {
    await this.inOurWords(`deprecate image ${name}`, signal, async (settings) => {
      const { api, calls, operations, project } = await this.parts();
      const image = await this.own(name, settings);
      if (image === undefined) throw new ProviderError('imageUnknown', `image ${name} does not exist`);
      if (image.deprecated) return;
      const [{ latestResponse }] = await calls.make(settings, (options) =>
        api.images.deprecate(
          { project, image: name, requestId: randomUUID(), deprecationStatusResource: { state: 'DEPRECATED' } },
          options,
        ),
      );
      await operations.settledGlobally(latestResponse, settings);
    });
  }

  async delete(name: string, signal: CancelSignal): Promise<void> {
    await this.inOurWords(`delete image ${name}`, signal, async (settings) => {
      const { api, calls, operations, project } = await this.parts();
      if ((await this.own(name, settings)) === undefined) return;
      try {
        const [{ latestResponse }] = await calls.make(settings, (options) =>
          api.images.delete({ project, image: name, requestId: randomUUID() }, options),
        );
        await operations.settledGlobally(latestResponse, settings);
      } catch (error) {
        if (!(error instanceof ComputeFailure) || error.kind !== 'notFound') throw error;
      }
    });
  }

  /** The image if it is ours; one that is somebody else's is never touched. */
  private async own(name: string, settings: CallSettings): Promise<ImageResource | undefined> {
    const { api, calls, project, deployment } = await this.parts();
    const image = await calls.find(settings, (options) => api.images.get({ project, image: name }, options));
    if (image === undefined || image.labels?.[LABEL.deployment] === labelValueOf(deployment)) return image;
    throw new ProviderError('permissionDenied', `image ${name} is not of deployment ${deployment}`);
  }

  private async inOurWords<Value>(
    doing: string,
    signal: CancelSignal,
    work: (settings: CallSettings) => Promise<Value>,
  ): Promise<Value> {
    signal.throwIfAborted();
    try {
      return await work({ purpose: 'ongoing', signal });
    } catch (error) {
      throw error instanceof ComputeFailure ? asProviderError(error, { doing }) : error;
    }
  }
}

function imageOf({ name = '', family, creationTimestamp, status, deprecated }: ImageResource): MachineImage {
  return {
    name,
    family: family === undefined || family === '' ? null : family,
    createdAt: Date.parse(creationTimestamp ?? '') || 0,
    status: status === 'READY' ? 'ready' : status === 'FAILED' ? 'failed' : 'pending',
    deprecated: deprecated?.state !== undefined && deprecated.state !== 'ACTIVE' && deprecated.state !== '',
  };
}
