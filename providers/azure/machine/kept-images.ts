/**
 * Images of closed sessions: managed images of the disk of a machine. Azure is told that they are generalized, which makes it
 * give a machine that begins with one a name, a user and custom data of its own; what is on the disk stays as it was.
 */
import type { CallSettings } from '../../cloud/api-calls.ts';
import type { CloudImage, CloudImages, CloudServer } from '../../cloud/cloud.ts';
import type { ImageRecord } from '../../cloud/image-record.ts';
import { serverNameOf } from '../../cloud/resource-names.ts';
import type { AzureApi, ImageResource } from '../calls/azure-api.ts';
import type { AzureCalls } from '../calls/azure-calls.ts';
import { TAG, imageRecordOfTags, imageTags, madeAt, type Tags } from './machine-tags.ts';
import { partNamesOf, resourceId, type ResourceGroup } from './resource-ids.ts';
import type { AzureServer } from './server-facts.ts';

export interface AzureImage extends CloudImage {
  /** Machines begin with it there alone. */
  location: string;
  tags: Tags;
}

export class KeptImages implements CloudImages {
  private readonly api: () => AzureApi;
  private readonly calls: AzureCalls;
  private readonly place: ResourceGroup & { deployment: string };

  constructor(api: () => AzureApi, calls: AzureCalls, place: ResourceGroup & { deployment: string }) {
    this.api = api;
    this.calls = calls;
    this.place = place;
  }

  async find(name: string, settings: CallSettings): Promise<AzureImage[]> {
    const { resourceGroup } = this.place;
    const found = await this.calls.find(settings, (options) =>
      this.api().images.get(resourceGroup, this.nameOf(name), options),
    );
    const image = found === undefined ? undefined : this.imageOf(found);
    return image?.record.imageId === name ? [image] : [];
  }

  async list(settings: CallSettings): Promise<AzureImage[]> {
    const { resourceGroup } = this.place;
    const all = await this.calls.all(settings, (options) =>
      this.api().images.listByResourceGroup(resourceGroup, options),
    );
    return all.map((image) => this.imageOf(image)).filter((image) => image !== undefined);
  }

  async begin(record: ImageRecord, server: CloudServer, settings: CallSettings): Promise<void> {
    const { deployment, resourceGroup } = this.place;
    const { location, generation } = server as AzureServer;
    const { disk } = partNamesOf(serverNameOf(deployment, record.machineId));
    const resource: ImageResource = {
      location,
      tags: imageTags(record, new Date()),
      hyperVGeneration: generation,
      storageProfile: {
        osDisk: {
          osType: 'Linux',
          osState: 'Generalized',
          managedDisk: { id: resourceId(this.place, 'Microsoft.Compute/disks', disk) },
        },
      },
    };
    await this.calls.begin(settings, (options) =>
      this.api().images.createOrUpdate(resourceGroup, this.nameOf(record.imageId), resource, options),
    );
  }

  async deprecate(image: CloudImage, settings: CallSettings): Promise<void> {
    const { resourceGroup } = this.place;
    const tags = { ...(image as AzureImage).tags, [TAG.deprecated]: 'true' };
    await this.calls.begin(settings, (options) =>
      this.api().images.update(resourceGroup, this.nameOf(image.record.imageId), { tags }, options),
    );
  }

  async remove(image: CloudImage, settings: CallSettings): Promise<void> {
    const { resourceGroup } = this.place;
    await this.calls.remove(settings, (options) =>
      this.api().images.delete(resourceGroup, this.nameOf(image.record.imageId), options),
    );
  }

  private nameOf(imageId: string): string {
    return serverNameOf(this.place.deployment, imageId);
  }

  private imageOf(image: ImageResource): AzureImage | undefined {
    const record = imageRecordOfTags(image.tags, this.place.deployment);
    if (record === undefined) return undefined;
    const diskGb = image.storageProfile?.osDisk?.diskSizeGB ?? 0;
    return {
      id: image.id ?? '',
      record,
      createdAt: madeAt(image.tags),
      status: STATUS[image.provisioningState ?? ''] ?? 'pending',
      deprecated: image.tags?.[TAG.deprecated] === 'true',
      // Azure does not say how much of it is used.
      sizeBytes: diskGb * 1024 ** 3,
      diskGb,
      location: image.location,
      tags: image.tags ?? {},
    };
  }
}

const STATUS: Readonly<Record<string, CloudImage['status']>> = {
  Succeeded: 'ready',
  Failed: 'failed',
  Canceled: 'failed',
};
