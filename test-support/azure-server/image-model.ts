/** Images that VMs begin with: those of the marketplace, managed ones, and versions in galleries of the resource group. */
import { ArmError, conflict, invalidParameter, notAllowed } from './arm-error.ts';
import { DISK, IMAGE, type DiskModel, type DiskSource } from './disk-model.ts';
import { parseId } from './names.ts';
import type { AnyResource, GalleryImage, GalleryVersion, ImageReference } from './resources.ts';
import type { Answer, Store } from './store.ts';

export const GALLERY = 'Microsoft.Compute/galleries';
export const GALLERY_IMAGE = 'Microsoft.Compute/galleries/images';
export const GALLERY_VERSION = 'Microsoft.Compute/galleries/images/versions';
const COMPUTE = 'Microsoft.Compute';

/** An image of the marketplace. */
export interface PlatformImage {
  publisher: string;
  offer: string;
  sku: string;
  versions: string[];
  sizeGb: number;
}

const platform = (publisher: string, offer: string, sku: string, versions: string[]): PlatformImage => ({
  ...{ publisher, offer, sku, versions },
  sizeGb: 30,
});

const PLATFORM_IMAGES: readonly PlatformImage[] = [
  platform('Debian', 'debian-12', '12-gen2', ['0.20260801.1', '0.20261102.3']),
  platform('Debian', 'debian-13', '13-gen2', ['0.20260801.1', '0.20261102.3']),
  platform('Canonical', 'ubuntu-24_04-lts', 'server', ['24.04.202608010', '24.04.202611020']),
  platform('Canonical', 'ubuntu-24_04-lts', 'minimal', ['24.04.202608010', '24.04.202611020']),
  platform('Canonical', 'ubuntu-26_04-lts', 'server', ['26.04.202608010', '26.04.202611020']),
  platform('Canonical', 'ubuntu-26_04-lts', 'minimal', ['26.04.202608010', '26.04.202611020']),
];

export interface StartImage extends DiskSource {
  /** A specialized image takes no `osProfile`, a generalized one needs it. */
  specialized: boolean;
  exactVersion?: string;
}

export class ImageModel {
  readonly platform = [...PLATFORM_IMAGES];
  /** Versions that a gallery takes at most. */
  versionQuota = Infinity;
  readonly #store: Store;
  readonly #disks: DiskModel;

  constructor(store: Store, disks: DiskModel) {
    this.#store = store;
    this.#disks = disks;
  }

  /** What a VM begins with. @throws ArmError 400 or 404 */
  resolve(reference: ImageReference, location: string): StartImage {
    if (reference.id !== undefined) return this.#resolveId(reference.id, location);
    const { publisher = '', offer = '', sku = '', version = '' } = reference;
    const found = this.platformImage(publisher, offer, sku);
    const exactVersion = version === 'latest' ? found?.versions.at(-1) : version;
    if (found === undefined || exactVersion === undefined || !found.versions.includes(exactVersion)) {
      const message = `The platform image '${publisher}:${offer}:${sku}:${version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile`;
      throw new ArmError(404, 'PlatformImageNotFound', message, { target: 'imageReference' });
    }
    return { files: new Map(), sizeGb: found.sizeGb, osType: 'Linux', specialized: false, exactVersion };
  }

  platformImage(publisher: string, offer: string, sku: string): PlatformImage | undefined {
    const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
    return this.platform.find((one) => same(one.publisher, publisher) && same(one.offer, offer) && same(one.sku, sku));
  }

  putGallery(name: string, body: AnyResource): Answer {
    const location = this.#store.checkTracked(GALLERY, name, body, this.#store.find(GALLERY, name));
    return this.#put('galleries.createOrUpdate', GALLERY, [name], { ...body, location });
  }

  putImage(gallery: string, name: string, body: GalleryImage): Answer {
    const existing = this.#store.find(GALLERY_IMAGE, gallery, name);
    this.#store.get(GALLERY, gallery);
    const location = this.#store.checkTracked(GALLERY_IMAGE, name, body, existing);
    const { osType, osState, identifier } = body.properties;
    const { publisher, offer, sku } = identifier ?? {};
    for (const [field, value] of Object.entries({ osType, osState, publisher, offer, sku })) {
      if (value === undefined)
        throw invalidParameter(`galleryImage.properties.${field}`, `Required parameter '${field}' is missing (null).`);
    }
    const same = this.#store
      .all(GALLERY_IMAGE, gallery)
      .find((one) => one !== existing && JSON.stringify(one.properties.identifier) === JSON.stringify(identifier));
    if (same !== undefined) throw conflict(`The image ${same.id} has the same publisher, offer and sku.`);
    if (existing !== undefined && existing.properties.osState !== osState) {
      throw new ArmError(409, 'PropertyChangeNotAllowed', "Changing property 'osState' is not allowed.");
    }
    return this.#put('galleryImages.createOrUpdate', GALLERY_IMAGE, [gallery, name], { ...body, location });
  }

  putVersion(gallery: string, image: string, name: string, body: GalleryVersion): Answer {
    const store = this.#store;
    const definition = store.get(GALLERY_IMAGE, gallery, image);
    const existing = store.find(GALLERY_VERSION, gallery, image, name);
    const location = store.checkTracked(GALLERY_VERSION, name, body, existing);
    if (definition.location !== location) throw invalidParameter('location', `The image is in ${definition.location}.`);
    const regions = body.properties.publishingProfile?.targetRegions ?? [{ name: location }];
    if (!regions.some((region) => plain(region.name) === location)) {
      const message = `The target regions must contain the location of the image version, '${location}'.`;
      throw invalidParameter('publishingProfile.targetRegions', message);
    }
    if (existing === undefined && store.all(GALLERY_VERSION, gallery, image).length >= this.versionQuota) {
      throw new ArmError(409, 'QuotaExceeded', `Quota of ${this.versionQuota} image versions is exceeded.`);
    }
    const names = [gallery, image, name];
    if (existing !== undefined) {
      const [before, wanted] = [existing, body].map((one) => JSON.stringify(one.properties.storageProfile?.source));
      if (before !== wanted) throw new ArmError(409, 'PropertyChangeNotAllowed', "Changing 'source' is not allowed.");
      return this.#put('galleryImageVersions.createOrUpdate', GALLERY_VERSION, names, {
        ...existing,
        ...body,
        location,
      });
    }
    const source = this.#versionSource(body, definition);
    const properties = {
      ...body.properties,
      publishingProfile: {
        ...body.properties.publishingProfile,
        targetRegions: regions,
        publishedDate: new Date().toISOString(),
      },
      storageProfile: {
        ...body.properties.storageProfile,
        osDiskImage: { ...body.properties.storageProfile?.osDiskImage, sizeInGB: source.sizeGb },
      },
    };
    const files = new Map(source.files);
    return this.#put(
      'galleryImageVersions.createOrUpdate',
      GALLERY_VERSION,
      names,
      { ...body, location, properties },
      files,
    );
  }

  /** @throws ArmError 409 for what has others below it */
  delete(method: string, resource: AnyResource): Answer {
    const below = this.#store.all(resource.type === GALLERY ? GALLERY_IMAGE : GALLERY_VERSION);
    if (resource.type !== GALLERY_VERSION && below.some((one) => one.id.startsWith(`${resource.id}/`))) {
      const message = `Can not delete resource '${resource.id}' before nested resources are deleted.`;
      throw new ArmError(409, 'CannotDeleteResource', message);
    }
    return this.#disks.remove(method, resource);
  }

  #resolveId(id: string, location: string): StartImage {
    const { type, names } = parseId(id);
    if (type.toLowerCase() === IMAGE.toLowerCase()) {
      const image = this.#store.ofType(IMAGE, id);
      if (image === undefined) throw imageNotFound(id);
      if (image.location !== location)
        throw notAllowed(`Image '${id}' is in location ${image.location}.`, 'imageReference.id');
      if (image.properties.provisioningState !== 'Succeeded') throw conflict(`Image '${id}' is not ready.`);
      const specialized = image.properties.storageProfile?.osDisk?.osState === 'Specialized';
      return { ...this.#disks.sourceOf(image), specialized };
    }
    const [gallery = '', image = '', named] = names;
    const definition = this.#store.find(GALLERY_IMAGE, gallery, image);
    const version = named === undefined ? this.#latest(gallery, image) : this.#store.ofType(GALLERY_VERSION, id);
    const regions = version?.properties.publishingProfile?.targetRegions ?? [];
    if (definition === undefined || version === undefined || !regions.some((one) => plain(one.name) === location)) {
      const message = `The gallery image ${id} is not available in ${location} region. Please contact image owner to replicate to this region, or change your requested region.`;
      throw new ArmError(404, 'GalleryImageNotFound', message, { target: 'imageReference' });
    }
    if (version.properties.provisioningState !== 'Succeeded') {
      throw conflict(`The gallery image version ${version.id} is in state ${version.properties.provisioningState}.`);
    }
    return {
      files: this.#store.filesOf(version),
      sizeGb: version.properties.storageProfile?.osDiskImage?.sizeInGB ?? 0,
      osType: definition.properties.osType ?? '',
      specialized: definition.properties.osState === 'Specialized',
      exactVersion: version.name,
    };
  }

  #latest(gallery: string, image: string): GalleryVersion | undefined {
    const numbers = ({ name }: GalleryVersion): number[] => name.split('.').map(Number);
    return this.#store
      .all(GALLERY_VERSION, gallery, image)
      .filter((one) => one.properties.publishingProfile?.excludeFromLatest !== true)
      .sort((left, right) => compare(numbers(left), numbers(right)))
      .at(-1);
  }

  #versionSource(body: GalleryVersion, definition: GalleryImage): DiskSource {
    const store = this.#store;
    const { source, osDiskImage } = body.properties.storageProfile ?? {};
    const id = source?.virtualMachineId ?? source?.id ?? osDiskImage?.source?.id;
    const from = store.byId(id);
    if (from === undefined) throw new ArmError(404, 'NotFound', `The source ${id ?? ''} is not found.`);
    if (from.type !== 'Microsoft.Compute/virtualMachines') {
      if (from.properties.provisioningState !== 'Succeeded') throw conflict(`The source ${id} is not ready.`);
      return this.#disks.sourceOf(from);
    }
    const vm = store.referenced(id, 'Microsoft.Compute/virtualMachines', definition.id);
    if (definition.properties.osState === 'Generalized' && !this.#disks.generalized.has(vm)) {
      const message = `The source VM ${vm.id} is not generalized, and the image definition is of generalized images.`;
      throw notAllowed(message, 'source');
    }
    return this.#disks.sourceOf(store.referenced(vm.properties.storageProfile?.osDisk?.managedDisk?.id, DISK, vm.id));
  }

  #put(method: string, type: string, names: string[], body: AnyResource, files?: Map<string, Buffer>): Answer {
    const store = this.#store;
    const existing = store.find(type, ...names);
    const made: AnyResource = {
      ...body,
      id: store.id(type, ...names),
      name: names.at(-1) ?? '',
      type,
      properties: { ...body.properties, provisioningState: existing === undefined ? 'Creating' : 'Updating' },
    };
    store.add(made, files ?? store.filesOf(existing));
    const done = (): undefined => {
      if (made.properties.provisioningState !== 'Deleting') made.properties.provisioningState = 'Succeeded';
    };
    const failed = (): void => void (made.properties.provisioningState = 'Failed');
    const start = { method, namespace: COMPUTE, location: made.location ?? '', steps: [done], failed };
    return { status: existing === undefined ? 201 : 200, body: made, operation: store.engine.start(start) };
  }
}

function imageNotFound(id: string): ArmError {
  const message = `The Image '${id}' cannot be found in this region.`;
  return new ArmError(404, 'ResourceNotFound', message, { target: 'imageReference' });
}

function plain(location: string | undefined): string {
  return (location ?? '').toLowerCase().replaceAll(' ', '');
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [index, number] of left.entries()) {
    const difference = number - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
