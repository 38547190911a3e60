/** Images of EC2: those that machines begin with, and those that are made of machines. */
import type { EC2, Image } from '@aws-sdk/client-ec2';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import { orAborted, type CallSettings } from '../../cloud/api-calls.ts';
import type { CloudImage, CloudImages, CloudServer } from '../../cloud/cloud.ts';
import { parseImageRecord, type ImageRecord } from '../../cloud/image-record.ts';
import { LABEL, imageFamilyOf, serverNameOf } from '../../cloud/resource-names.ts';
import type { CallOptions, Ec2Calls } from '../calls/ec2-calls.ts';
import { listOf } from '../calls/ec2-errors.ts';
import { FAMILY_TAG, imageQuestion } from './image-reference.ts';
import { DEPRECATED_TAG, IMAGE_TAG, recordIn, recordTags, tagOf, tagValueOf, type Tag } from './tags.ts';

/** What a machine's disk begins with. */
export interface StartDisk {
  imageId: string;
  /** Of its root volume. */
  device: string;
  sizeGb: number;
}

/** An image by name is looked for again after this: a family gets newer ones. */
const KNOWN_MS = 60_000;
const GB = 1024 ** 3;
const DEFAULT_ROOT = '/dev/sda1';

/** The images that specs name, each asked for once a minute. */
export class StartDisks {
  readonly #calls: Ec2Calls;
  readonly #ownImage: string | null;
  readonly #known = new Map<string, { at: number; disk: Promise<StartDisk> }>();

  constructor(calls: Ec2Calls, ownImage: string | null) {
    this.#calls = calls;
    this.#ownImage = ownImage;
  }

  /** Rejects with ProviderError `imageUnknown` or `badSpec`, or a CloudFailure. */
  async of(image: string, settings: CallSettings): Promise<StartDisk> {
    const known = this.#known.get(image);
    if (known !== undefined && Date.now() - known.at < KNOWN_MS) return orAborted(known.disk, settings.signal);
    // For whoever asks meanwhile: the signal of one must not end it for the others.
    const disk = this.#ask(image, { purpose: settings.purpose, signal: new AbortController().signal });
    this.#known.set(image, { at: Date.now(), disk });
    disk.catch(() => this.#known.delete(image));
    return orAborted(disk, settings.signal);
  }

  async #ask(image: string, settings: CallSettings): Promise<StartDisk> {
    const question = imageQuestion(image, this.#ownImage);
    const answer = this.#calls.make(settings, (ec2, options) => ec2.describeImages(question, options));
    const { Images = [] } = await answer.catch((error: unknown) => {
      if (error instanceof CloudFailure && error.reason.startsWith('InvalidAMIID')) return { Images: [] };
      throw error;
    });
    const [newest] = Images.sort((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
    if (newest === undefined)
      throw new ProviderError('imageUnknown', `field image: no image ${JSON.stringify(image)} is there`);
    if (tagOf(newest.Tags, IMAGE_TAG) !== undefined) {
      const text = `${JSON.stringify(image)} is what a VM was closed into: reopen that VM, or create one of its name`;
      throw new ProviderError('badSpec', `field image: ${text}`);
    }
    const device = newest.RootDeviceName ?? DEFAULT_ROOT;
    return { imageId: newest.ImageId ?? '', device, sizeGb: sizeGbOf(newest) };
  }
}

/** Images of machines: AMIs whose record stands in their tags, and in those of their snapshots. */
export class MachineImages implements CloudImages {
  readonly #calls: Ec2Calls;
  readonly #deployment: string;

  constructor(calls: Ec2Calls, deployment: string) {
    this.#calls = calls;
    this.#deployment = deployment;
  }

  find(name: string, settings: CallSettings): Promise<CloudImage[]> {
    return this.#search([{ Name: `tag:${IMAGE_TAG}`, Values: [tagValueOf(name)] }], settings);
  }

  list(settings: CallSettings): Promise<CloudImage[]> {
    return this.#search([{ Name: 'tag-key', Values: [IMAGE_TAG] }], settings);
  }

  async begin(record: ImageRecord, server: CloudServer, settings: CallSettings): Promise<void> {
    const { imageId, family, owner } = record;
    const tags: Tag[] = [
      { Key: IMAGE_TAG, Value: tagValueOf(imageId) },
      { Key: LABEL.deployment, Value: tagValueOf(this.#deployment) },
      ...(family === null ? [] : [{ Key: FAMILY_TAG, Value: imageFamilyOf(this.#deployment, owner, family) }]),
      ...recordTags(record),
    ];
    const resources = ['image', 'snapshot'] as const;
    await this.#send(settings, (ec2, options) =>
      ec2.createImage(
        {
          InstanceId: server.id,
          Name: serverNameOf(this.#deployment, imageId),
          NoReboot: true,
          TagSpecifications: resources.map((ResourceType) => ({ ResourceType, Tags: tags })),
        },
        options,
      ),
    );
  }

  async deprecate({ id }: CloudImage, settings: CallSettings): Promise<void> {
    const Tags = [{ Key: DEPRECATED_TAG, Value: 'true' }];
    await this.#send(settings, (ec2, options) => ec2.createTags({ Resources: [id], Tags }, options));
  }

  async remove({ id }: CloudImage, settings: CallSettings): Promise<void> {
    // One call for both: a snapshot that stayed behind would be found by nobody.
    await this.#send(settings, (ec2, options) =>
      ec2.deregisterImage({ ImageId: id, DeleteAssociatedSnapshots: true }, options),
    ).catch((error: unknown) => {
      if (!(error instanceof CloudFailure) || error.kind !== 'notFound') throw error;
    });
  }

  async #search(filters: { Name: string; Values: string[] }[], settings: CallSettings): Promise<CloudImage[]> {
    const Filters = [...filters, { Name: `tag:${LABEL.deployment}`, Values: [tagValueOf(this.#deployment)] }];
    const found = await this.#send(settings, async (ec2, options) =>
      listOf((await ec2.describeImages({ Owners: ['self'], Filters }, options)).Images),
    );
    return found.flatMap((image) => this.#imageOf(image) ?? []);
  }

  #imageOf(image: Image): CloudImage | undefined {
    const record = parseImageRecord(recordIn(image.Tags) ?? '');
    if (record?.deployment !== this.#deployment) return undefined;
    const sizeGb = sizeGbOf(image);
    return {
      id: image.ImageId ?? '',
      record,
      createdAt: Date.parse(image.CreationDate ?? ''),
      status: STATUS[image.State ?? ''] ?? 'failed',
      deprecated: tagOf(image.Tags, DEPRECATED_TAG) !== undefined,
      sizeBytes: sizeGb * GB,
      diskGb: sizeGb,
    };
  }

  #send<Answer>(settings: CallSettings, call: (ec2: EC2, options: CallOptions) => Promise<Answer>): Promise<Answer> {
    return this.#calls.make(settings, call);
  }
}

const STATUS: Readonly<Record<string, CloudImage['status']>> = {
  pending: 'pending',
  transient: 'pending',
  available: 'ready',
};

function sizeGbOf({ BlockDeviceMappings = [], RootDeviceName }: Image): number {
  const root = BlockDeviceMappings.find(({ DeviceName }) => DeviceName === RootDeviceName) ?? BlockDeviceMappings[0];
  return root?.Ebs?.VolumeSize ?? 0;
}
