/** How the API shows what an account has. */
import type { DigitalOceanModel } from './model.ts';
import type { Action, Droplet, Image, Region, ReservedIp, Size, Snapshot, Vpc } from './resources.ts';

export const API = 'https://api.digitalocean.com/v2';

export function regionView(model: DigitalOceanModel, region: Region): object {
  const sizes = model.options.sizes.filter(({ slug }) => model.hasRoom(region.slug, slug)).map(({ slug }) => slug);
  return { ...region, available: !model.stockedOut.has(region.slug), sizes };
}

export function sizeView(model: DigitalOceanModel, size: Size): object {
  const regions = model.options.regions.map(({ slug }) => slug).filter((slug) => model.hasRoom(slug, size.slug));
  return { ...size, available: regions.length > 0, regions, disk_info: diskInfo(size) };
}

export function imageView(model: DigitalOceanModel, image: Image): object {
  const { id, name, type, distribution, slug, regions, created_at, min_disk_size, size_gigabytes } = image;
  const tags = model.tags.of('image', id);
  const rest = { public: image.public, description: image.description, status: image.status, error_message: '' };
  return { id, name, type, distribution, slug, regions, created_at, min_disk_size, size_gigabytes, tags, ...rest };
}

export function snapshotView(model: DigitalOceanModel, snapshot: Snapshot): object {
  const { id, name, regions, created_at, min_disk_size, size_gigabytes, dropletId } = snapshot;
  const from = { resource_id: `${dropletId}`, resource_type: 'droplet' };
  const tags = model.tags.of('image', id);
  return { id: `${id}`, name, regions, created_at, min_disk_size, size_gigabytes, ...from, tags };
}

export function dropletView(model: DigitalOceanModel, droplet: Droplet): object {
  const { id, name, status, created_at, features, size, image, region, vpcId } = droplet;
  const snapshots = [...model.images.snapshots.values()].filter(({ dropletId }) => dropletId === id);
  return {
    id,
    name,
    memory: size.memory,
    vcpus: size.vcpus,
    disk: size.disk,
    disk_info: diskInfo(size),
    locked: droplet.pending !== null,
    status,
    kernel: null,
    created_at,
    features,
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: snapshots.map((snapshot) => snapshot.id),
    image: imageView(model, image),
    volume_ids: [],
    size: sizeView(model, size),
    size_slug: size.slug,
    networks: { v4: networksOf(model, droplet), v6: [] },
    region: regionView(model, regionOf(model, region)),
    tags: model.tags.of('droplet', id),
    vpc_uuid: vpcId,
  };
}

/** A reserved address stands beside its own ones. */
function networksOf(model: DigitalOceanModel, { id, privateIp, publicIp }: Droplet): object[] {
  const netmask = '255.255.240.0';
  const found = [
    { ip_address: privateIp, type: 'private', gateway: 'nil' },
    { ip_address: publicIp, type: 'public', gateway: '127.0.0.1' },
    { ip_address: model.reservedIps.ofDroplet(id)?.ip ?? null, type: 'public', gateway: '127.0.0.1' },
  ];
  return found.filter(({ ip_address }) => ip_address !== null).map((network) => ({ ...network, netmask }));
}

export function actionView(model: DigitalOceanModel, action: Action): object {
  return { ...action, region: regionView(model, regionOf(model, action.region_slug)) };
}

export function actionLink(action: Action, rel: string): object {
  return { id: action.id, rel, href: `${API}/actions/${action.id}` };
}

export function reservedIpView(model: DigitalOceanModel, { ip, region, dropletId, pending }: ReservedIp): object {
  const droplet = dropletId === null ? undefined : model.droplets.get(dropletId);
  return {
    ip,
    region: regionView(model, regionOf(model, region)),
    droplet: droplet === undefined ? null : dropletView(model, droplet),
    locked: pending !== null,
    project_id: '746c6152-2fa2-11ed-92d3-27aaa54e4988',
  };
}

export function vpcView(vpc: Vpc): object {
  return { ...vpc, urn: `do:vpc:${vpc.id}`, description: '' };
}

export function tagView(model: DigitalOceanModel, name: string): object {
  const keys = [...model.tags.get(name).resources.keys()];
  const countOf = (type: string, path: string): object => {
    const ids = keys.filter((key) => key.startsWith(`${type}/`)).map((key) => key.slice(type.length + 1));
    const last = ids.at(-1);
    return { count: ids.length, ...(last === undefined ? {} : { last_tagged_uri: `${API}/${path}/${last}` }) };
  };
  const none = { count: 0 };
  const others = { volumes: none, volume_snapshots: none, databases: none };
  const counts = { droplets: countOf('droplet', 'droplets'), images: countOf('image', 'images'), ...others };
  return { name, resources: { count: keys.length, ...counts } };
}

function diskInfo({ disk }: Size): object[] {
  return [{ type: 'local', size: { amount: disk, unit: 'gib' } }];
}

function regionOf(model: DigitalOceanModel, slug: string): Region {
  return model.options.regions.find((region) => region.slug === slug) ?? { slug, name: slug, features: [] };
}
