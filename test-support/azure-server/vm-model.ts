/** Virtual machines: how they are made and half made, started and stopped, changed, taken back and deleted with what is theirs. */
import { randomUUID } from 'node:crypto';
import type { CloudGuests } from '../clouds/guests.ts';
import { ArmError, conflict, notAllowed, type OperationError } from './arm-error.ts';
import { DISK, type DiskModel } from './disk-model.ts';
import type { ImageModel, StartImage } from './image-model.ts';
import { checkTags, decoded } from './names.ts';
import { NIC, type NetworkModel } from './network-model.ts';
import type { Operation } from './operation-engine.ts';
import type { Disk, Nic, Vm, VmProperties } from './resources.ts';
import type { Answer, Store } from './store.ts';
import { checkChange, checkOsProfile, checkVm } from './vm-rules.ts';
import { VmRooms } from './vm-rooms.ts';
import type { PowerState, VmView } from './vm-view.ts';

export const VM = 'Microsoft.Compute/virtualMachines';
const COMPUTE = 'Microsoft.Compute';

interface Parts {
  store: Store;
  network: NetworkModel;
  disks: DiskModel;
  images: ImageModel;
  guests: CloudGuests | undefined;
}

/** What of a VM its resource does not say. */
interface State extends VmView {
  operation?: Operation;
  /** Its guests have been told that it runs. */
  isUp: boolean;
}

export interface Preconditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
}

export class VmModel {
  /** VMs made in all, for tests that look for duplicates. */
  made = 0;
  readonly rooms: VmRooms;
  readonly #parts: Parts;
  readonly #states = new WeakMap<Vm, State>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.rooms = new VmRooms(parts.store);
  }

  view(vm: Vm): VmView {
    return this.#state(vm);
  }

  powerOf(name: string): PowerState | undefined {
    return this.#state(this.#parts.store.get(VM, name)).power;
  }

  put(name: string, body: Vm, conditions: Preconditions): Answer {
    const { store } = this.#parts;
    const existing = store.find(VM, name);
    checkPreconditions(existing, conditions);
    if (existing !== undefined) this.#requireIdle(existing, 'createOrUpdate');
    const location = store.checkTracked(VM, name, body, existing);
    store.checkZones(VM, name, body.zones, location);
    checkVm(body);
    if (existing !== undefined) {
      checkChange(existing, body, this.#state(existing).power === 'deallocated');
      return this.#update('virtualMachines.createOrUpdate', existing, body);
    }
    return this.#create(name, { ...body, location });
  }

  patch(name: string, body: Partial<Vm>, { ifMatch }: Preconditions): Answer {
    const vm = this.#parts.store.get(VM, name);
    checkPreconditions(vm, { ifMatch, ifNoneMatch: undefined });
    this.#requireIdle(vm, 'update');
    checkTags(body.tags);
    decoded(body.properties?.userData, 'userData');
    checkChange(vm, body, this.#state(vm).power === 'deallocated');
    return this.#update('virtualMachines.update', vm, body);
  }

  /** With its disk, interface and public address where they say so; what says `Detach` is left. */
  delete(name: string): Answer {
    const { store } = this.#parts;
    const vm = store.find(VM, name);
    if (vm === undefined) return { status: 204 };
    const state = this.#state(vm);
    if (vm.properties.provisioningState === 'Deleting') return accepted(state.operation);
    store.engine.preempt(state.operation);
    vm.properties.provisioningState = 'Deleting';
    let parts: { nics: Nic[]; disks: Disk[] } = { nics: [], disks: [] };
    return accepted(
      this.#run('virtualMachines.delete', vm, [
        (): undefined => {
          this.#down(vm);
          parts = this.#takeAway(vm);
        },
        (): undefined => this.#removeParts(parts),
      ]),
    );
  }

  /** `deallocated` gives the room back, `stopped` does not; both keep the disk. */
  changePower(name: string, verb: 'start' | 'deallocate' | 'powerOff', hibernate = false): Answer {
    const { store } = this.#parts;
    const vm = store.get(VM, name);
    this.#requireIdle(vm, verb);
    const state = this.#state(vm);
    if (hibernate && vm.properties.additionalCapabilities?.hibernationEnabled !== true) {
      throw notAllowed('Hibernation is not enabled on the VM.', 'hibernate');
    }
    const { onTheWay, to } = POWER[verb];
    if (state.power === to || (verb === 'powerOff' && state.power === 'deallocated')) {
      return accepted(this.#run(`virtualMachines.${verb}`, vm, []));
    }
    if (verb === 'start') this.rooms.check(vm);
    const before = state.power;
    state.power = onTheWay;
    const work = (): OperationError | undefined => {
      if (verb === 'start') return this.#allocate(vm);
      this.#down(vm);
      state.power = to;
      this.#disk(vm).properties.diskState = to === 'deallocated' ? 'Reserved' : 'Attached';
      return undefined;
    };
    return accepted(this.#run(`virtualMachines.${verb}`, vm, [work], () => void (state.power = before)));
  }

  generalize(name: string): Answer {
    const vm = this.#parts.store.get(VM, name);
    const { power } = this.#state(vm);
    if (power !== 'deallocated' && power !== 'stopped') throw notAllowed(`VM '${name}' must be stopped.`);
    this.#parts.disks.generalized.add(vm);
    return { status: 200 };
  }

  /** The guest shuts itself down, as a crash does: the VM stays, stopped, and is paid for. */
  crash(name: string): void {
    const vm = this.#parts.store.get(VM, name);
    this.#down(vm);
    this.#state(vm).power = 'stopped';
  }

  /** Azure takes a spot VM back. */
  evict(name: string): void {
    const vm = this.#parts.store.get(VM, name);
    if (vm.properties.priority !== 'Spot') throw notAllowed(`VM '${name}' is not an Azure Spot Virtual Machine.`);
    this.#down(vm);
    if (vm.properties.evictionPolicy === 'Delete') this.#removeParts(this.#takeAway(vm));
    else this.#state(vm).power = 'deallocated';
  }

  #create(name: string, body: Vm): Answer {
    const { store, network, disks } = this.#parts;
    const { osDisk, imageReference } = body.properties.storageProfile ?? {};
    const id = store.id(VM, name);
    const vm: Vm = { ...body, id, name, type: VM, etag: store.nextEtag() };
    const image = this.#startImage(vm);
    checkOsProfile(vm.properties.osProfile, image);
    const ids = (vm.properties.networkProfile?.networkInterfaces ?? []).map((one) => one.id);
    const nics = network.forVm(ids, id, vm.location ?? '');
    try {
      this.rooms.check(vm);
    } catch (error) {
      network.reserve(nics, id);
      throw error;
    }
    const diskName = osDisk?.name ?? `${name}_OsDisk_1_${randomUUID().replaceAll('-', '')}`;
    const disk =
      image === undefined
        ? disks.attach(vm, osDisk?.managedDisk?.id ?? '')
        : disks.addForVm(vm, diskName, image, osDisk?.diskSizeGB);
    vm.properties = {
      ...body.properties,
      vmId: randomUUID(),
      timeCreated: new Date().toISOString(),
      provisioningState: 'Creating',
      storageProfile: {
        ...body.properties.storageProfile,
        ...(imageReference === undefined ? {} : { imageReference: exact(imageReference, image) }),
        osDisk: {
          deleteOption: 'Detach',
          ...osDisk,
          createOption: osDisk?.createOption ?? '',
          name: disk.name,
          managedDisk: { ...osDisk?.managedDisk, id: disk.id },
        },
      },
    };
    for (const nic of nics) nic.properties.virtualMachine = { id };
    store.add(vm);
    this.#states.set(vm, { power: undefined, failure: undefined, isUp: false });
    this.made += 1;
    const operation = this.#run('virtualMachines.createOrUpdate', vm, [() => this.#allocate(vm)]);
    return { status: 201, body: vm, operation };
  }

  #startImage(vm: Vm): StartImage | undefined {
    const { storageProfile } = vm.properties;
    const { createOption, managedDisk, osType, diskSizeGB } = storageProfile?.osDisk ?? {};
    if (createOption === 'Attach') {
      if (managedDisk?.id === undefined || osType === undefined || storageProfile?.imageReference !== undefined) {
        const message = 'A disk that is attached needs managedDisk.id and osType, and no imageReference.';
        throw new ArmError(400, 'InvalidParameter', message, { target: 'osDisk' });
      }
      return undefined;
    }
    if (createOption !== 'FromImage' || storageProfile?.imageReference === undefined) {
      throw new ArmError(400, 'InvalidParameter', "Required parameter 'imageReference' is missing (null).", {
        target: 'imageReference',
      });
    }
    const image = this.#parts.images.resolve(storageProfile.imageReference, vm.location ?? '');
    if (diskSizeGB !== undefined && diskSizeGB < image.sizeGb) {
      const message = `The specified disk size ${diskSizeGB} GB is smaller than the size of the corresponding disk in the VM image: ${image.sizeGb} GB. This is not allowed. Please choose equal or greater size or do not specify an explicit size.`;
      throw notAllowed(message, 'osDisk.diskSizeGB');
    }
    return image;
  }

  #update(method: string, vm: Vm, { tags, identity, properties }: Partial<Vm> & { identity?: unknown }): Answer {
    if (tags !== undefined) vm.tags = tags;
    if (identity !== undefined) Object.assign(vm, { identity });
    const { userData, diagnosticsProfile, hardwareProfile } = properties ?? {};
    const changed: VmProperties = {
      ...(userData === undefined ? {} : { userData }),
      ...(diagnosticsProfile === undefined ? {} : { diagnosticsProfile }),
      ...(hardwareProfile === undefined ? {} : { hardwareProfile }),
    };
    Object.assign(vm.properties, changed, { provisioningState: 'Updating' });
    vm.etag = this.#parts.store.nextEtag();
    return { status: 200, body: vm, operation: this.#run(method, vm, []) };
  }

  /** An operation after which the VM is `Succeeded`, or `Failed` with the error that one of its steps gives. */
  #run(method: string, vm: Vm, steps: readonly (() => OperationError | undefined)[], undo?: () => void): Operation {
    const state = this.#state(vm);
    if (vm.properties.provisioningState !== 'Creating' && vm.properties.provisioningState !== 'Deleting') {
      vm.properties.provisioningState = 'Updating';
    }
    const failed = (error: OperationError): void => {
      vm.properties.provisioningState = 'Failed';
      state.failure = error;
      undo?.();
    };
    const succeed = (): undefined => {
      if (vm.properties.provisioningState !== 'Deleting') vm.properties.provisioningState = 'Succeeded';
      state.failure = undefined;
    };
    const last = (): OperationError | undefined => steps.at(-1)?.() ?? succeed();
    const all = [...steps.slice(0, -1), last];
    const start = { method, namespace: COMPUTE, location: vm.location ?? '', steps: all, failed };
    state.operation = this.#parts.store.engine.start(start);
    return state.operation;
  }

  /** Finds room for the VM and starts it; a VM that finds none stays, with all that is its own. */
  #allocate(vm: Vm): OperationError | undefined {
    const state = this.#state(vm);
    const error = this.rooms.allocate(vm);
    if (error !== undefined) return error;
    state.power = 'running';
    state.isUp = true;
    this.#disk(vm).properties.diskState = 'Attached';
    const { osProfile, vmId = '' } = vm.properties;
    const nics = this.#nics(vm);
    this.#parts.guests?.started({
      id: vmId,
      name: vm.name,
      account: this.#parts.store.options.subscription,
      place: vm.zones?.[0] ?? vm.location ?? '',
      ips: this.#parts.network.addressesOf(nics),
      userData: decoded(osProfile?.customData, 'customData'),
      tags: () => vm.tags ?? {},
      changeable: () =>
        vm.properties.userData === undefined ? undefined : decoded(vm.properties.userData, 'userData'),
      disk: this.#parts.store.filesOf(this.#disk(vm)),
    });
    return undefined;
  }

  #down(vm: Vm): void {
    const state = this.#state(vm);
    if (state.isUp) this.#parts.guests?.stopped(vm.properties.vmId ?? '');
    state.isUp = false;
  }

  /** The VM is gone and what goes with it is going; the rest is free. */
  #takeAway(vm: Vm): { nics: Nic[]; disks: Disk[] } {
    const { store, network, disks } = this.#parts;
    store.remove(vm);
    const nics = this.#nics(vm);
    const references = vm.properties.networkProfile?.networkInterfaces ?? [];
    const going = nics.filter((_, index) => references[index]?.properties?.deleteOption === 'Delete');
    for (const nic of nics) {
      if (going.includes(nic)) network.markDeleting(nic);
      else delete nic.properties.virtualMachine;
    }
    const disk = this.#disk(vm);
    const goes = vm.properties.storageProfile?.osDisk?.deleteOption === 'Delete';
    if (goes) disk.properties.provisioningState = 'Deleting';
    disks.release(disk);
    return { nics: going, disks: goes ? [disk] : [] };
  }

  #removeParts({ nics, disks }: { nics: Nic[]; disks: Disk[] }): undefined {
    for (const nic of nics) this.#parts.network.vanish(nic);
    for (const disk of disks) this.#parts.store.remove(disk);
  }

  #requireIdle(vm: Vm, what: string): void {
    if (vm.properties.provisioningState === 'Deleting') {
      const message = `Operation '${what}' is not allowed on VM '${vm.name}' since the VM is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete).`;
      throw notAllowed(message);
    }
    if (!this.#parts.store.engine.isRunning(this.#state(vm).operation)) return;
    const message =
      'The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.';
    throw conflict(message);
  }

  #state(vm: Vm): State {
    const state = this.#states.get(vm);
    if (state === undefined) throw new Error(`no state of ${vm.id}`);
    return state;
  }

  #nics(vm: Vm): Nic[] {
    const references = vm.properties.networkProfile?.networkInterfaces ?? [];
    return references.map(({ id }) => this.#parts.store.ofType(NIC, id)).filter((nic) => nic !== undefined);
  }

  #disk(vm: Vm): Disk {
    const id = vm.properties.storageProfile?.osDisk?.managedDisk?.id;
    return this.#parts.store.referenced(id, DISK, vm.id);
  }
}

const POWER = {
  start: { onTheWay: 'starting', to: 'running' },
  deallocate: { onTheWay: 'deallocating', to: 'deallocated' },
  powerOff: { onTheWay: 'stopping', to: 'stopped' },
} as const;

function accepted(operation: Operation | undefined): Answer {
  return operation === undefined ? { status: 202 } : { status: 202, operation };
}

function exact(
  reference: NonNullable<VmProperties['storageProfile']>['imageReference'],
  image: StartImage | undefined,
) {
  return { ...reference, ...(image?.exactVersion === undefined ? {} : { exactVersion: image.exactVersion }) };
}

function checkPreconditions(existing: Vm | undefined, { ifMatch, ifNoneMatch }: Preconditions): void {
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new ArmError(400, 'InvalidParameter', "The If-None-Match header takes '*' only.", {
      target: 'If-None-Match',
    });
  }
  const isThere = ifNoneMatch === '*' && existing !== undefined;
  const isOther = ifMatch !== undefined && (existing === undefined || (ifMatch !== '*' && ifMatch !== existing.etag));
  if (!isThere && !isOther) return;
  const message = 'The condition specified using HTTP conditional header(s) is not met.';
  throw new ArmError(412, 'PreconditionFailed', message);
}
