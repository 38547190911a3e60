import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { MakeOptions } from '../../cloud/cloud.ts';
import { serverUserData } from '../../cloud/server-user-data.ts';
import type { DropletCreate, ImageResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { imageOf } from '../image-reference.ts';
import { vpcIn, type DigitalOceanRules } from '../rules.ts';
import { sizeOf } from '../sizes.ts';
import { DIGITALOCEAN_SCRIPTS } from '../start-scripts.ts';
import { tagsOfRequest } from './droplet-tags.ts';
import { isSnapshotName, type Snapshot } from './snapshots.ts';

/** What all droplets of a deployment have in common. */
export interface DropletDefaults {
  deployment: string;
  rules: DigitalOceanRules;
  sshKeys: readonly string[];
  /** Slug or id of the image that `vm-server` and containers begin with. */
  image: string;
  vmServerUrl: string | null;
}

/** As long as DigitalOcean takes it. */
const MOST_USER_DATA_BYTES = 64 * 1024;
const FAMILY_TAG = 'ephemera-family:';

/** The whole create of a request. Rejects with `noCapacity` where the region cannot have it. */
export async function dropletCreate(
  request: CreateMachineRequest,
  name: string,
  { place: region, startImage }: MakeOptions,
  defaults: DropletDefaults,
  images: { calls: DigitalOceanCalls; settings: CallSettings },
): Promise<DropletCreate> {
  const { spec } = request;
  const { deployment, rules, vmServerUrl, sshKeys } = defaults;
  const snapshot = startImage as Snapshot | undefined;
  if (snapshot !== undefined && !snapshot.regions.includes(region)) {
    const text = `image ${snapshot.record.imageId} is in ${snapshot.regions.join(', ')} alone, not in ${region}`;
    throw new CloudFailure('noCapacity', 'imageElsewhere', text);
  }
  const vpcUuid = vpcIn(region, spec.network, rules);
  if (vpcUuid === undefined) {
    throw new CloudFailure('noCapacity', 'vpcElsewhere', `the network ${spec.network ?? ''} is not in ${region}`);
  }
  const userData = serverUserData(request, deployment, {
    cloud: DIGITALOCEAN_SCRIPTS,
    identity: 'secret',
    vmServerUrl,
    maxBytes: MOST_USER_DATA_BYTES,
  });
  return {
    name,
    region,
    size: sizeOf(spec, snapshot?.diskGb),
    image: snapshot === undefined ? await imageFor(spec.image, region, defaults, images) : Number(snapshot.id),
    tags: tagsOfRequest(request, deployment, rules, Date.now()),
    ...(userData === '' ? {} : { userData }),
    ...(vpcUuid === null ? {} : { vpcUuid }),
    sshKeys: [...sshKeys],
    publicNetworking: spec.externalIp,
    ipv6: false,
    backups: false,
    monitoring: false,
    withDropletAgent: false,
  };
}

async function imageFor(
  image: string,
  region: string,
  { image: ours }: DropletDefaults,
  { calls, settings }: { calls: DigitalOceanCalls; settings: CallSettings },
): Promise<string | number> {
  const named = imageOf(image);
  switch (named.kind) {
    case 'ours':
      return /^\d+$/.test(ours) ? Number(ours) : ours;
    case 'slug':
      return named.slug;
    case 'id': {
      const found = await calls.find<{ image: ImageResource }>(settings, (v2, config) =>
        v2.images.byImage_id(named.id).get(config),
      );
      if (found === undefined) throw unknown(`there is no image ${named.id}`);
      if (isSnapshotName(found.image.name)) throw keptDisk(image);
      return named.id;
    }
    case 'family': {
      const tagName = `${FAMILY_TAG}${named.family}`;
      const all = await calls.all<ImageResource>(settings, 'images', (v2, config, page) =>
        v2.images.get({ ...config, queryParameters: { tagName, ...page } }),
      );
      const [newest] = all
        .filter(({ name, regions }) => !isSnapshotName(name) && regions.includes(region))
        .sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at));
      if (newest === undefined) throw unknown(`no image with the tag ${tagName} is in ${region}`);
      return newest.id;
    }
  }
}

function unknown(problem: string): ProviderError {
  return new ProviderError('imageUnknown', `field image: ${problem}`);
}

/** The disk of somebody's users: a machine begins with it by `startFrom` alone, which is checked. */
function keptDisk(image: string): ProviderError {
  const text = `${JSON.stringify(image)} is what a VM was closed into: reopen that VM, or create one of its name`;
  return new ProviderError('badSpec', `field image: ${text}`);
}
