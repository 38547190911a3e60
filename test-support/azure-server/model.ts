/** Everything that exists in one subscription with one resource group, and the rules by which it changes. */
import type { CloudGuests } from '../clouds/guests.ts';
import { DiskModel } from './disk-model.ts';
import { ImageModel } from './image-model.ts';
import { keyOf } from './names.ts';
import { NetworkModel, SUBNET } from './network-model.ts';
import type { AnyResource } from './resources.ts';
import { Store, type StoreOptions } from './store.ts';
import { Throttle } from './throttle.ts';
import { VmModel } from './vm-model.ts';

export interface AzureModelOptions extends StoreOptions {
  guests?: CloudGuests;
}

export class AzureModel {
  readonly options: AzureModelOptions;
  readonly store: Store;
  readonly network: NetworkModel;
  readonly disks: DiskModel;
  readonly images: ImageModel;
  readonly vms: VmModel;
  readonly throttle = new Throttle();
  /** Of each location. */
  readonly subnetIds = new Map<string, string>();

  constructor(options: AzureModelOptions) {
    this.options = options;
    this.store = new Store(options);
    const { store } = this;
    this.network = new NetworkModel(store);
    this.disks = new DiskModel(store);
    this.images = new ImageModel(store, this.disks);
    this.vms = new VmModel({
      store,
      network: this.network,
      disks: this.disks,
      images: this.images,
      guests: options.guests,
    });
    for (const location of options.locations) this.#addNetwork(location);
  }

  /** Of what type, in no particular order: `virtualMachines`, `galleries/images/versions`. */
  names(type: string): string[] {
    return this.of(type).map(({ name }) => name);
  }

  of<Found extends AnyResource = AnyResource>(type: string): Found[] {
    const key = keyOf(type);
    const all = [...this.store.resources.values()].filter(
      (one) => keyOf(one.type).split('/').slice(1).join('/') === key,
    );
    return all.map((one) => one as Found);
  }

  /** The guest of a VM shuts itself down. */
  crash(name: string): void {
    this.vms.crash(name);
  }

  /** Azure takes a spot VM back. */
  evict(name: string): void {
    this.vms.evict(name);
  }

  #addNetwork(location: string): void {
    const { store } = this;
    const name = `vnet-${location}`;
    const VNET = 'Microsoft.Network/virtualNetworks';
    const subnet = {
      id: store.id(SUBNET, name, 'default'),
      name: 'default',
      type: SUBNET,
      properties: { addressPrefix: '10.0.0.0/20', provisioningState: 'Succeeded' as const },
    };
    const properties = { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [subnet] };
    const network = { id: store.id(VNET, name), name, type: VNET, location };
    store.add({ ...network, properties: { ...properties, provisioningState: 'Succeeded' } });
    store.add(subnet);
    this.subnetIds.set(location, subnet.id);
    const GROUP = 'Microsoft.Network/networkSecurityGroups';
    const group = { id: store.id(GROUP, `nsg-${location}`), name: `nsg-${location}`, type: GROUP, location };
    store.add({ ...group, properties: { provisioningState: 'Succeeded' } });
  }
}
