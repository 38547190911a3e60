import { z } from 'zod';
import { machineOfImage } from '../../../domain/vm/imaging.ts';
import { parseImageRecord, type ImageRecord } from '../../cloud/image-record.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { CloudImage, CloudImages, CloudServer } from '../../cloud/cloud.ts';
import { recordFromTexts, recordTexts } from '../../cloud/record-texts.ts';
import { serverNameOf } from '../../cloud/resource-names.ts';
import type { ActionResource, DropletResource, SnapshotResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { tag } from './tag-calls.ts';

/** A snapshot of a droplet of ours. */
export interface Snapshot extends CloudImage {
  /** It is in these alone. */
  regions: readonly string[];
}

const PREFIX = 'ephemera ';
const DEPRECATED_TAG = 'ephemera-deprecated';
/** DigitalOcean names no limit; a record of the longest names is shorter than this. */
const MOST_NAME_CHARACTERS = 1000;

export function isSnapshotName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/**
 * Snapshots of droplets. Such a one is listed once it is whole, so its name has its record: nothing else is there from its first
 * moment. What this process began is known by its action until then; to whoever does not know it, the droplet is busy.
 */
export class Snapshots implements CloudImages {
  readonly #calls: DigitalOceanCalls;
  readonly #deployment: string;
  readonly #begun = new Map<string, { record: ImageRecord; actionId: number; at: number }>();

  constructor(calls: DigitalOceanCalls, deployment: string) {
    this.#calls = calls;
    this.#deployment = deployment;
  }

  async find(name: string, settings: CallSettings): Promise<Snapshot[]> {
    const begun = this.#begun.get(name);
    // Before the list, so that one which ends between the two calls is in it.
    const status = begun === undefined ? undefined : await this.#statusOf(begun.actionId, settings);
    const found = (await this.list(settings)).filter(({ record }) => record.imageId === name);
    if (begun === undefined) return found;
    if (found.length > 0 || status !== 'in-progress') this.#begun.delete(name);
    if (found.length > 0 || (status !== 'in-progress' && status !== 'errored')) return found;
    const { record, at } = begun;
    const pending = status === 'in-progress' ? 'pending' : 'failed';
    return [{ id: '', record, createdAt: at, status: pending, deprecated: false, diskGb: 0, regions: [] }];
  }

  async list(settings: CallSettings): Promise<Snapshot[]> {
    const all = await this.#calls.all<SnapshotResource>(settings, 'snapshots', (v2, config, page) =>
      v2.snapshots.get({ ...config, queryParameters: { resourceType: 'droplet', ...page } }),
    );
    return all.map((one) => this.#snapshotOf(one)).filter((one) => one !== undefined);
  }

  /** Its droplet is busy: with what is not said to whoever has not begun it. */
  async mayCome(imageId: string, settings: CallSettings): Promise<boolean> {
    const machineId = machineOfImage(imageId);
    if (machineId === undefined || this.#begun.has(imageId)) return false;
    const name = serverNameOf(this.#deployment, machineId);
    const named = await this.#calls.all<DropletResource>(settings, 'droplets', (v2, config, page) =>
      v2.droplets.get({ ...config, queryParameters: { name, ...page } }),
    );
    return named.some((droplet) => droplet.name === name && droplet.locked);
  }

  /**
   * Nothing, where one is there by now: what an earlier try began, whose answer was lost, has ended before the droplet is seen to be
   * free, and is listed after that.
   */
  async begin(record: ImageRecord, server: CloudServer, settings: CallSettings): Promise<void> {
    if (await this.#isBusy(Number(server.id), settings)) {
      throw new CloudFailure('notReady', 'busy', `droplet ${server.id} is busy`);
    }
    if ((await this.list(settings)).some(({ record: { imageId } }) => imageId === record.imageId)) return;
    const [text = ''] = recordTexts(packed(record), MOST_NAME_CHARACTERS);
    const { action } = await this.#calls.make<{ action: ActionResource }>(settings, (v2, config) =>
      v2.droplets.byDroplet_id(Number(server.id)).actions.post({ type: 'snapshot', name: `${PREFIX}${text}` }, config),
    );
    this.#begun.set(record.imageId, { record, actionId: action.id, at: Date.now() });
  }

  async deprecate(image: CloudImage, settings: CallSettings): Promise<void> {
    await tag(this.#calls, { id: image.id, type: 'image' }, DEPRECATED_TAG, { ...settings, shared: true });
  }

  async remove(image: CloudImage, settings: CallSettings): Promise<void> {
    this.#begun.delete(image.record.imageId);
    // One that came to nothing was never there.
    if (image.id === '') return;
    await this.#calls.find(settings, (v2, config) => v2.snapshots.bySnapshot_id(Number(image.id)).delete(config));
  }

  async #isBusy(dropletId: number, settings: CallSettings): Promise<boolean> {
    const answer = await this.#calls.find<{ droplet: DropletResource }>(settings, (v2, config) =>
      v2.droplets.byDroplet_id(dropletId).get(config),
    );
    return answer?.droplet.locked ?? false;
  }

  async #statusOf(actionId: number, settings: CallSettings): Promise<ActionResource['status'] | undefined> {
    const answer = await this.#calls.find<{ action: ActionResource }>(settings, (v2, config) =>
      v2.actions.byAction_id(actionId).get(config),
    );
    return answer?.action.status;
  }

  #snapshotOf({ id, name, created_at, tags, regions, ...sizes }: SnapshotResource): Snapshot | undefined {
    const json = isSnapshotName(name) ? recordFromTexts([name.slice(PREFIX.length)]) : undefined;
    const record = json === undefined ? undefined : unpacked(json);
    if (record?.deployment !== this.#deployment) return undefined;
    return {
      id,
      record,
      createdAt: Date.parse(created_at) || 0,
      status: 'ready',
      deprecated: tags?.includes(DEPRECATED_TAG) ?? false,
      sizeBytes: Math.round(sizes.size_gigabytes * 1024 ** 3),
      diskGb: sizes.min_disk_size,
      regions,
    };
  }
}

const packedSchema = z.tuple([z.literal(1)], z.unknown());

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function packed({ imageId, family, machineId, owner, deployment }: ImageRecord): object {
  return [1, deployment, imageId, family, machineId, owner];
}

/** Undefined for what is none of ours: names are written by whoever has a token of the account. */
function unpacked(json: string): ImageRecord | undefined {
  const { success, data } = packedSchema.safeParse(parsed(json));
  if (!success) return undefined;
  const [, deployment, imageId, family, machineId, owner] = data;
  return parseImageRecord(JSON.stringify({ imageId, family, machineId, owner, deployment }));
}
