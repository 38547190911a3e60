/** Networks, disks, images, and what a resource group says of itself. */
import { checkTags } from './names.ts';
import { DISK, IMAGE, SNAPSHOT } from './disk-model.ts';
import { GALLERY, GALLERY_IMAGE, GALLERY_VERSION } from './image-model.ts';
import { APPLICATION_GROUP, NIC, PUBLIC_IP, SUBNET } from './network-model.ts';
import type { AnyResource, Disk, GalleryImage, GalleryVersion, ManagedImage, Nic, PublicIp } from './resources.ts';
import { ok, plainRoutes, VERSIONS, type PlainType, type Route } from './routes.ts';
import {
  APPLICATION_GROUP as APPLICATION_GROUP_SHAPE,
  DISK as DISK_SHAPE,
  GALLERY as GALLERY_SHAPE,
  GALLERY_IMAGE as GALLERY_IMAGE_SHAPE,
} from './shapes.ts';
import { GALLERY_VERSION as VERSION_SHAPE, GALLERY_VERSION_UPDATE, MANAGED_IMAGE, NIC as NIC_SHAPE } from './shapes.ts';
import { PUBLIC_IP as PUBLIC_IP_SHAPE, SNAPSHOT as SNAPSHOT_SHAPE, TAGS } from './shapes.ts';
import { operationRoutes } from './operation-routes.ts';

/** A PATCH that changes tags and is done at once. */
const tagsAtOnce = (method: string): NonNullable<PlainType['patch']> => ({
  method,
  shape: TAGS,
  run: (resource, body) => {
    const { tags } = body as Partial<AnyResource>;
    checkTags(tags);
    if (tags !== undefined) resource.tags = tags;
    return ok(resource);
  },
});

const networkRoutes: Route[] = [
  ...plainRoutes({
    client: 'networkInterfaces',
    type: NIC,
    versions: VERSIONS.network,
    names: ['nic'],
    lists: { inGroup: 'list', all: 'listAll' },
    query: ['$expand'],
    put: {
      method: 'createOrUpdate',
      shape: NIC_SHAPE,
      run: ([name = ''], body, { model }) => model.network.putNic(name, body as Nic),
    },
    patch: tagsAtOnce('updateTags'),
    remove: (resource, model) => model.network.deleteNic(resource),
  }),
  ...plainRoutes({
    client: 'publicIPAddresses',
    type: PUBLIC_IP,
    versions: VERSIONS.network,
    names: ['address'],
    lists: { inGroup: 'list', all: 'listAll' },
    query: ['$expand'],
    put: {
      method: 'createOrUpdate',
      shape: PUBLIC_IP_SHAPE,
      run: ([name = ''], body, { model }) => model.network.putPublicIp(name, body as PublicIp),
    },
    patch: tagsAtOnce('updateTags'),
    remove: (resource, model) => model.network.deletePublicIp(resource),
  }),
  ...plainRoutes({
    client: 'applicationSecurityGroups',
    type: APPLICATION_GROUP,
    versions: VERSIONS.network,
    names: ['applicationGroup'],
    lists: { inGroup: 'list', all: 'listAll' },
    put: {
      method: 'createOrUpdate',
      shape: APPLICATION_GROUP_SHAPE,
      run: ([name = ''], body, { model }) => model.network.putApplicationGroup(name, body as AnyResource),
    },
    patch: tagsAtOnce('updateTags'),
    remove: (resource, model) => model.network.deleteApplicationGroup(resource),
  }),
  ...plainRoutes({
    client: 'virtualNetworks',
    type: 'Microsoft.Network/virtualNetworks',
    versions: VERSIONS.network,
    names: ['network'],
    lists: { inGroup: 'list', all: 'listAll' },
    query: ['$expand'],
  }),
  ...plainRoutes({
    client: 'subnets',
    type: SUBNET,
    versions: VERSIONS.network,
    names: ['network', 'subnet'],
    lists: { inGroup: 'list' },
    query: ['$expand'],
  }),
  ...plainRoutes({
    client: 'networkSecurityGroups',
    type: 'Microsoft.Network/networkSecurityGroups',
    versions: VERSIONS.network,
    names: ['securityGroup'],
    lists: { inGroup: 'list', all: 'listAll' },
    query: ['$expand'],
  }),
];

function diskRoutes(): Route[] {
  const disk = (client: 'disks' | 'snapshots', type: string): Route[] =>
    plainRoutes({
      client,
      type,
      versions: VERSIONS.disks,
      names: ['disk'],
      lists: { inGroup: 'listByResourceGroup', all: 'list' },
      put: {
        method: 'createOrUpdate',
        shape: client === 'disks' ? DISK_SHAPE : SNAPSHOT_SHAPE,
        run: ([name = ''], body, { model: { disks } }) =>
          client === 'disks' ? disks.putDisk(name, body as Disk) : disks.putSnapshot(name, body as Disk),
      },
      patch: tagsAtOnce('update'),
      remove: (resource, { disks }) =>
        client === 'disks' ? disks.deleteDisk(resource as Disk) : disks.remove('snapshots.delete', resource),
    });
  return [...disk('disks', DISK), ...disk('snapshots', SNAPSHOT)];
}

const imageRoutes: Route[] = [
  ...plainRoutes({
    client: 'images',
    type: IMAGE,
    versions: VERSIONS.compute,
    names: ['image'],
    lists: { inGroup: 'listByResourceGroup', all: 'list' },
    query: ['$expand'],
    put: {
      method: 'createOrUpdate',
      shape: MANAGED_IMAGE,
      run: ([name = ''], body, { model }) => model.disks.putImage(name, body as ManagedImage),
    },
    patch: tagsAtOnce('update'),
    remove: (resource, { disks }) => disks.remove('images.delete', resource),
  }),
  ...plainRoutes({
    client: 'galleries',
    type: GALLERY,
    versions: VERSIONS.galleries,
    names: ['gallery'],
    lists: { inGroup: 'listByResourceGroup', all: 'list' },
    query: ['$expand', '$select'],
    put: {
      method: 'createOrUpdate',
      shape: GALLERY_SHAPE,
      run: ([name = ''], body, { model }) => model.images.putGallery(name, body as AnyResource),
    },
    remove: (resource, { images }) => images.delete('galleries.delete', resource),
  }),
  ...plainRoutes({
    client: 'galleryImages',
    type: GALLERY_IMAGE,
    versions: VERSIONS.galleries,
    names: ['gallery', 'image'],
    lists: { inGroup: 'listByGallery' },
    put: {
      method: 'createOrUpdate',
      shape: GALLERY_IMAGE_SHAPE,
      run: ([gallery = '', name = ''], body, { model }) => model.images.putImage(gallery, name, body as GalleryImage),
    },
    patch: tagsAtOnce('update'),
    remove: (resource, { images }) => images.delete('galleryImages.delete', resource),
  }),
  ...plainRoutes({
    client: 'galleryImageVersions',
    type: GALLERY_VERSION,
    versions: VERSIONS.galleries,
    names: ['gallery', 'image', 'version'],
    lists: { inGroup: 'listByGalleryImage' },
    query: ['$expand'],
    put: {
      method: 'createOrUpdate',
      shape: VERSION_SHAPE,
      run: ([gallery = '', image = '', name = ''], body, { model }) =>
        model.images.putVersion(gallery, image, name, body as GalleryVersion),
    },
    patch: { ...tagsAtOnce('update'), shape: GALLERY_VERSION_UPDATE },
    remove: (resource, { images }) => images.delete('galleryImageVersions.delete', resource),
  }),
];

const groupRoutes: Route[] = [
  {
    method: 'resourceGroups.get',
    verb: 'GET',
    path: 'resourceGroups/{group}',
    versions: VERSIONS.resources,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/read',
    run: ({ model: { options } }) => {
      const id = `/subscriptions/${options.subscription}/resourceGroups/${options.resourceGroup}`;
      const properties = { provisioningState: 'Succeeded' };
      const type = 'Microsoft.Resources/resourceGroups';
      return ok({ id, name: options.resourceGroup, type, location: options.locations[0], properties });
    },
  },
  {
    method: 'permissions.listForResourceGroup',
    verb: 'GET',
    path: 'resourceGroups/{group}/providers/Microsoft.Authorization/permissions',
    versions: VERSIONS.authorization,
    run: ({ model: { store } }) =>
      ok({ value: [{ actions: ['*'], notActions: [...store.denied], dataActions: [], notDataActions: [] }] }),
  },
];

export const OTHER_ROUTES: readonly Route[] = [
  ...networkRoutes,
  ...diskRoutes(),
  ...imageRoutes,
  ...groupRoutes,
  ...operationRoutes(),
];
