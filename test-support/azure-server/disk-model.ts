/** Disks, snapshots and managed images: what they are made of, and what keeps them from being deleted. */
import { ArmError, conflict, invalidParameter, notAllowed, type OperationError } from './arm-error.ts';
import type { AnyResource, CreationData, Disk, DiskFiles, ManagedImage, Vm } from './resources.ts';
import type { Answer, Store } from './store.ts';

export const DISK = 'Microsoft.Compute/disks';
export const SNAPSHOT = 'Microsoft.Compute/snapshots';
export const IMAGE = 'Microsoft.Compute/images';
const VM = 'Microsoft.Compute/virtualMachines';
const COMPUTE = 'Microsoft.Compute';
const EMPTY_DISK_GB = 4;

/** What a disk begins with. */
export interface DiskSource {
  files: DiskFiles;
  sizeGb: number;
  osType: string;
}

export class DiskModel {
  /** VMs from which managed images may be made. */
  readonly generalized = new WeakSet<Vm>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  putDisk(name: string, body: Disk): Answer {
    const existing = this.#store.find(DISK, name);
    const location = this.#store.checkTracked(DISK, name, body, existing);
    this.#store.checkZones(DISK, name, body.zones, location);
    if (existing !== undefined) return this.#update('disks.createOrUpdate', existing, body);
    const { createOption } = creationDataOf(body);
    const source = createOption === 'Empty' ? emptyDisk(body) : this.#copied(body, location);
    return this.#make('disks.createOrUpdate', DISK, { ...body, name, location }, source);
  }

  putSnapshot(name: string, body: Disk): Answer {
    const existing = this.#store.find(SNAPSHOT, name);
    const location = this.#store.checkTracked(SNAPSHOT, name, body, existing);
    if (existing !== undefined) return this.#update('snapshots.createOrUpdate', existing, body);
    const source = this.#copied(body, location);
    return this.#make('snapshots.createOrUpdate', SNAPSHOT, { ...body, name, location }, source);
  }

  /** The operating system's disk of a VM that is being made from an image. */
  addForVm(vm: Vm, name: string, source: DiskSource, sizeGb: number | undefined): Disk {
    if (this.#store.find(DISK, name) !== undefined) {
      const message = `Disk ${name} already exists in resource group ${this.#store.options.resourceGroup.toUpperCase()}. Only CreateOption.Attach is supported.`;
      throw conflict(message);
    }
    const { id, location, zones } = vm;
    const disk: Disk = {
      id: this.#store.id(DISK, name),
      name,
      type: DISK,
      ...(location === undefined ? {} : { location }),
      ...(zones === undefined ? {} : { zones }),
      managedBy: id,
      sku: { name: vm.properties.storageProfile?.osDisk?.managedDisk?.storageAccountType ?? 'Standard_LRS' },
      properties: {
        osType: source.osType,
        creationData: { createOption: 'FromImage' },
        diskSizeGB: sizeGb ?? source.sizeGb,
        timeCreated: new Date().toISOString(),
        diskState: 'Attached',
        provisioningState: 'Succeeded',
      },
    };
    return this.#store.add(disk, new Map(source.files));
  }

  /** A disk that a VM is to have. */
  attach(vm: Vm, id: string): Disk {
    const disk = this.#store.referenced(id, DISK, vm.id);
    if (disk.managedBy !== undefined && disk.managedBy !== vm.id) {
      const message = `Disk '${id}' cannot be attached as the disk is already owned by VM '${disk.managedBy}'.`;
      throw new ArmError(409, 'ConflictingUserInput', message, { target: 'osDisk' });
    }
    if (disk.properties.provisioningState !== 'Succeeded') throw conflict(`Disk ${id} is being created.`);
    disk.managedBy = vm.id;
    disk.properties.diskState = 'Attached';
    return disk;
  }

  release(disk: Disk): void {
    delete disk.managedBy;
    disk.properties.diskState = 'Unattached';
  }

  deleteDisk(disk: Disk): Answer {
    if (disk.managedBy !== undefined) throw notAllowed(`Disk ${disk.name} is attached to VM ${disk.managedBy}.`);
    return this.remove('disks.delete', disk);
  }

  /** Deletes what nothing uses. */
  remove(method: string, resource: AnyResource): Answer {
    resource.properties.provisioningState = 'Deleting';
    return this.#later(method, resource, [
      (): undefined => {
        this.#store.remove(resource);
      },
    ]);
  }

  putImage(name: string, body: ManagedImage): Answer {
    const store = this.#store;
    const existing = store.find(IMAGE, name);
    const location = store.checkTracked(IMAGE, name, body, existing);
    if (existing !== undefined) return this.#update('images.createOrUpdate', existing, body);
    const id = store.id(IMAGE, name);
    const { source, osState } = this.#imageSource(id, body, location);
    const image: ManagedImage = {
      ...body,
      id,
      name,
      type: IMAGE,
      location,
      properties: {
        ...body.properties,
        storageProfile: {
          osDisk: {
            ...body.properties.storageProfile?.osDisk,
            osType: source.osType,
            osState,
            diskSizeGB: source.sizeGb,
          },
        },
        provisioningState: 'Creating',
      },
    };
    store.add(image, new Map(source.files));
    return { ...this.#later('images.createOrUpdate', image, [succeeded(image)]), status: 201, body: image };
  }

  /** Tags, and nothing else. */
  patchTags(method: string, resource: AnyResource, tags: Record<string, string> | undefined): Answer {
    if (tags !== undefined) resource.tags = tags;
    return { ...this.#later(method, resource, []), status: 200, body: resource };
  }

  /** What a disk, a snapshot or a managed image has on it. */
  sourceOf(resource: Disk | ManagedImage): DiskSource {
    const files = this.#store.filesOf(resource);
    if (resource.type === IMAGE) {
      const { diskSizeGB = 0, osType = '' } = (resource as ManagedImage).properties.storageProfile?.osDisk ?? {};
      return { files, sizeGb: diskSizeGB, osType };
    }
    const { diskSizeGB = 0, osType = '' } = (resource as Disk).properties;
    return { files, sizeGb: diskSizeGB, osType };
  }

  #imageSource(id: string, { properties }: ManagedImage, location: string): { source: DiskSource; osState: string } {
    const store = this.#store;
    if (properties.sourceVirtualMachine !== undefined) {
      const vm = store.referenced(properties.sourceVirtualMachine.id, VM, id);
      if (!this.generalized.has(vm)) {
        const message = `The VM ${vm.name} must be generalized before an image is made from it.`;
        throw notAllowed(message, 'sourceVirtualMachine');
      }
      const disk = store.referenced(vm.properties.storageProfile?.osDisk?.managedDisk?.id, DISK, id);
      return { source: this.sourceOf(disk), osState: 'Generalized' };
    }
    const { snapshot, managedDisk, osState, osType } = properties.storageProfile?.osDisk ?? {};
    if (osState === undefined || osType === undefined) {
      throw invalidParameter('osDisk', "Required parameter 'osDisk.osState' or 'osDisk.osType' is missing (null).");
    }
    const disk =
      snapshot === undefined
        ? store.referenced(managedDisk?.id, DISK, id)
        : store.referenced(snapshot.id, SNAPSHOT, id);
    if (disk.location !== location) throw notAllowed(`The disk ${disk.id} is in another location.`);
    return { source: { ...this.sourceOf(disk), osType }, osState };
  }

  #copied({ name, properties }: Disk, location: string): DiskSource {
    const { createOption, sourceResourceId, galleryImageReference } = creationDataOf({ properties });
    const store = this.#store;
    if (createOption === 'FromImage' && galleryImageReference?.id !== undefined) {
      const version = store.byId(galleryImageReference.id);
      if (version === undefined) throw new ArmError(404, 'NotFound', `${galleryImageReference.id} is not found.`);
      const sizeGb = properties.diskSizeGB ?? EMPTY_DISK_GB;
      return { files: store.filesOf(version), sizeGb, osType: properties.osType ?? 'Linux' };
    }
    if (createOption !== 'Copy') {
      throw invalidParameter('creationData.createOption', `This server makes no disk by '${createOption}'.`);
    }
    const source = store.ofType(DISK, sourceResourceId) ?? store.ofType(SNAPSHOT, sourceResourceId);
    if (source === undefined) {
      throw new ArmError(404, 'NotFound', `Resource ${sourceResourceId ?? ''} is not found.`);
    }
    if (source.location !== location) throw notAllowed(`The source ${source.id} is in another location than ${name}.`);
    if (source.properties.provisioningState !== 'Succeeded') throw conflict(`${source.id} is not ready.`);
    const { sizeGb, ...rest } = this.sourceOf(source);
    if (properties.diskSizeGB !== undefined && properties.diskSizeGB < sizeGb) {
      throw invalidParameter('diskSizeGB', `Disk size must be at least ${sizeGb} GB, that of ${source.id}.`);
    }
    return { ...rest, sizeGb: properties.diskSizeGB ?? sizeGb };
  }

  #make(method: string, type: string, body: Disk, source: DiskSource): Answer {
    const made: Disk = {
      ...body,
      id: this.#store.id(type, body.name),
      type,
      properties: {
        ...body.properties,
        osType: body.properties.osType ?? source.osType,
        diskSizeGB: source.sizeGb,
        diskSizeBytes: source.sizeGb * 2 ** 30,
        timeCreated: new Date().toISOString(),
        diskState: 'Unattached',
        provisioningState: 'Creating',
      },
    };
    this.#store.add(made, new Map(source.files));
    const answer = this.#later(method, made, [succeeded(made)]);
    // The real one answers a disk with 202 and what is known of it already.
    return { ...answer, body: made };
  }

  #update(method: string, existing: AnyResource, body: AnyResource): Answer {
    if (existing.properties.provisioningState === 'Deleting') throw conflict(`${existing.id} is being deleted.`);
    const [before, wanted] = [existing, body].map((one) => (one as Partial<Disk>).properties?.creationData);
    if (JSON.stringify(before) !== JSON.stringify(wanted)) {
      const message = "Changing property 'creationData' is not allowed.";
      throw new ArmError(409, 'PropertyChangeNotAllowed', message, { target: 'creationData' });
    }
    return this.patchTags(method, existing, body.tags ?? {});
  }

  #later(method: string, resource: AnyResource, steps: readonly (() => OperationError | undefined)[]): Answer {
    const { location = '', properties } = resource;
    const failed = (): void => void (properties.provisioningState = 'Failed');
    const operation = this.#store.engine.start({ method, namespace: COMPUTE, location, steps, failed });
    return { status: 202, operation };
  }
}

function succeeded(resource: AnyResource): () => undefined {
  return () => {
    if (resource.properties.provisioningState === 'Creating') resource.properties.provisioningState = 'Succeeded';
  };
}

/** No body of a new disk is without them. */
function creationDataOf({ properties }: Pick<Disk, 'properties'>): CreationData {
  if ((properties as Partial<Disk['properties']>).creationData !== undefined) return properties.creationData;
  throw invalidParameter('creationData', "Required parameter 'creationData' is missing (null).");
}

function emptyDisk({ properties }: Disk): DiskSource {
  return { files: new Map(), sizeGb: properties.diskSizeGB ?? EMPTY_DISK_GB, osType: properties.osType ?? '' };
}
