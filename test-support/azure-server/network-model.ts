/** Network interfaces and public addresses: who may take whom, and what is in use. */
import { ArmError, conflict, invalidParameter } from './arm-error.ts';
import { keyOf, parseId } from './names.ts';
import type { AnyResource, IpConfiguration, Nic, PublicIp } from './resources.ts';
import type { Answer, Store } from './store.ts';

export const NIC = 'Microsoft.Network/networkInterfaces';
export const PUBLIC_IP = 'Microsoft.Network/publicIPAddresses';
export const APPLICATION_GROUP = 'Microsoft.Network/applicationSecurityGroups';
export const SUBNET = 'Microsoft.Network/virtualNetworks/subnets';
const SECURITY_GROUP = 'Microsoft.Network/networkSecurityGroups';
const NETWORK = 'Microsoft.Network';

export class NetworkModel {
  /** How long an interface is kept for a VM that could not be made. */
  reservedMs = 100;
  /** Public addresses that a region may have. */
  publicIpQuota = Infinity;
  /** Application security groups that a region may have. */
  applicationGroupQuota = Infinity;
  readonly #store: Store;
  readonly #reserved = new Map<Nic, { vmId: string; until: number }>();

  constructor(store: Store) {
    this.#store = store;
  }

  putPublicIp(name: string, body: PublicIp): Answer {
    const store = this.#store;
    const existing = store.find(PUBLIC_IP, name);
    const location = store.checkTracked(PUBLIC_IP, name, body, existing);
    store.checkZones(PUBLIC_IP, name, body.zones, location);
    if (existing?.properties.provisioningState === 'Deleting') throw inProgress(existing.id);
    if (existing !== undefined && (existing.zones ?? []).join() !== (body.zones ?? []).join()) {
      const message = `Resource ${existing.id} has an existing availability zone constraint ${existing.zones?.join() ?? 'NoZone'} and the request has availability zone constraint ${body.zones?.join() ?? 'NoZone'}, which do not match. Zones cannot be added/updated/removed once the resource is created.`;
      throw new ArmError(400, 'ResourceAvailabilityZonesCannotBeModified', message);
    }
    if ((body.sku?.name ?? 'Basic') === 'Basic') {
      const message =
        'Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.';
      throw new ArmError(400, 'IPv4BasicSkuPublicIpCountLimitReached', message);
    }
    if (body.properties.publicIPAllocationMethod !== 'Static') {
      const message = `Public IP address ${name} of SKU Standard must use the static allocation method.`;
      throw invalidParameter('publicIPAllocationMethod', message);
    }
    if (existing === undefined && store.all(PUBLIC_IP).length >= this.publicIpQuota) {
      const message = `Cannot create more than ${this.publicIpQuota} public IP addresses for this subscription in this region.`;
      throw new ArmError(400, 'PublicIPCountLimitReached', message);
    }
    const address = { ipAddress: existing?.properties.ipAddress ?? store.address() };
    const used = existing?.properties.ipConfiguration;
    const made = store.add<PublicIp>({
      ...body,
      id: store.id(PUBLIC_IP, name),
      name,
      type: PUBLIC_IP,
      location,
      etag: store.nextEtag(),
      properties: {
        ...body.properties,
        ...address,
        ...(used === undefined ? {} : { ipConfiguration: used }),
        provisioningState: 'Updating',
      },
    });
    return this.#put('publicIPAddresses.createOrUpdate', made, existing !== undefined);
  }

  putNic(name: string, body: Nic): Answer {
    const store = this.#store;
    const existing = store.find(NIC, name);
    const location = store.checkTracked(NIC, name, body, existing);
    const id = store.id(NIC, name);
    if (existing?.properties.provisioningState === 'Deleting') throw inProgress(id);
    const configurations = body.properties.ipConfigurations ?? [];
    if (configurations.length === 0) {
      const message = `Network interface ${id} must have one or more IP configurations.`;
      throw new ArmError(400, 'NetworkInterfaceMustHaveAtLeastOneIpConfiguration', message);
    }
    const addresses = configurations.map((one) => this.#checkConfiguration(id, one, location));
    const group = body.properties.networkSecurityGroup?.id;
    if (group !== undefined) store.referenced(group, SECURITY_GROUP, id);
    this.#dissociate(existing);
    const ipConfigurations = configurations.map((one, index) => this.#configuration(id, one, existing, index));
    const user = existing?.properties.virtualMachine;
    const made = store.add<Nic>({
      ...body,
      id,
      name,
      type: NIC,
      location,
      etag: store.nextEtag(),
      properties: {
        ...body.properties,
        ipConfigurations,
        ...(user === undefined ? {} : { virtualMachine: user }),
        provisioningState: 'Succeeded',
      },
    });
    for (const [index, address] of addresses.entries()) {
      if (address !== undefined) address.properties.ipConfiguration = { id: ipConfigurations[index]?.id ?? '' };
    }
    return this.#put('networkInterfaces.createOrUpdate', made, existing !== undefined);
  }

  /** Groups of interfaces, of which none here is in one. */
  putApplicationGroup(name: string, body: AnyResource): Answer {
    const store = this.#store;
    const existing = store.find(APPLICATION_GROUP, name);
    const location = store.checkTracked(APPLICATION_GROUP, name, body, existing);
    if (existing?.properties.provisioningState === 'Deleting') throw inProgress(existing.id);
    if (existing === undefined && store.all(APPLICATION_GROUP).length >= this.applicationGroupQuota) {
      const message = `Cannot create more than ${this.applicationGroupQuota} application security groups for this subscription in this region.`;
      throw new ArmError(400, 'ApplicationSecurityGroupCountLimitReached', message);
    }
    const made = store.add<AnyResource>({
      ...body,
      id: store.id(APPLICATION_GROUP, name),
      name,
      type: APPLICATION_GROUP,
      location,
      etag: store.nextEtag(),
      properties: { provisioningState: 'Updating' },
    });
    return this.#put('applicationSecurityGroups.createOrUpdate', made, existing !== undefined);
  }

  deleteApplicationGroup(group: AnyResource): Answer {
    return this.#delete('applicationSecurityGroups.delete', group);
  }

  /** @throws ArmError 400 for one that a VM uses, or for which one was just refused. */
  deleteNic(nic: Nic): Answer {
    const user = nic.properties.virtualMachine;
    if (user !== undefined) {
      const message = `Network Interface ${nic.id} is used by existing resource ${user.id}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.`;
      throw new ArmError(400, 'NicInUse', message);
    }
    this.#checkReserved(nic, undefined);
    return this.#delete('networkInterfaces.delete', nic);
  }

  deletePublicIp(address: PublicIp): Answer {
    const user = address.properties.ipConfiguration;
    if (user !== undefined) {
      const message = `Public IP address ${address.id} can not be deleted since it is still allocated to resource ${user.id}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.`;
      throw new ArmError(400, 'PublicIPAddressCannotBeDeleted', message);
    }
    return this.#delete('publicIPAddresses.delete', address);
  }

  /** The interfaces of a VM that is to be made there. @throws ArmError */
  forVm(ids: readonly string[], vmId: string, location: string): Nic[] {
    return ids.map((id) => {
      const nic = this.#store.referenced(id, NIC, vmId);
      const user = nic.properties.virtualMachine?.id;
      if (user !== undefined && keyOf(user) !== keyOf(vmId)) {
        throw new ArmError(400, 'NicInUse', `Network Interface ${nic.id} is used by existing resource ${user}.`);
      }
      this.#checkReserved(nic, vmId);
      if (nic.properties.provisioningState !== 'Succeeded') throw notProvisioned(nic, vmId);
      if (nic.location === location) return nic;
      const message = `Resource ${nic.id} referenced by resource ${vmId} is in another location.`;
      throw new ArmError(400, 'InvalidResourceReference', message);
    });
  }

  /** Keeps interfaces for a VM that was refused, as Azure does for three minutes. */
  reserve(nics: readonly Nic[], vmId: string): void {
    for (const nic of nics) this.#reserved.set(nic, { vmId, until: Date.now() + this.reservedMs });
  }

  /** Loopback addresses: the inner one, then the public one where there is one. */
  addressesOf(nics: readonly Nic[]): string[] {
    return nics.flatMap((nic) =>
      (nic.properties.ipConfigurations ?? []).flatMap(({ properties }) => {
        const address = this.#store.ofType(PUBLIC_IP, properties.publicIPAddress?.id)?.properties.ipAddress;
        return [properties.privateIPAddress, address].filter((ip) => ip !== undefined);
      }),
    );
  }

  /** Takes the interface from its VM; with `Delete` it goes, and so do its addresses that are to go with it. */
  markDeleting(nic: Nic): void {
    delete nic.properties.virtualMachine;
    nic.properties.provisioningState = 'Deleting';
  }

  /** The end of {@link markDeleting}. */
  vanish(nic: Nic): void {
    const addresses = this.#publicIpsOf(nic);
    this.#dissociate(nic);
    this.#store.remove(nic);
    for (const { address, deleteOption } of addresses) {
      if ((deleteOption ?? address.properties.deleteOption) === 'Delete') this.#store.remove(address);
    }
  }

  #checkReserved(nic: Nic, vmId: string | undefined): void {
    const reserved = this.#reserved.get(nic);
    if (reserved === undefined || reserved.until < Date.now() || keyOf(reserved.vmId) === keyOf(vmId ?? '')) return;
    const message = `Nic(s) in request is reserved for another Virtual Machine for 180 seconds. Please provide another nic(s) or retry after 180 seconds. Reserved VM: ${reserved.vmId}`;
    throw new ArmError(400, 'NicReservedForAnotherVm', message);
  }

  #checkConfiguration(nicId: string, configuration: IpConfiguration, location: string): PublicIp | undefined {
    const store = this.#store;
    const { subnet, publicIPAddress, privateIPAllocationMethod = 'Dynamic' } = configuration.properties;
    store.require('Microsoft.Network/virtualNetworks/subnets/join/action', subnet?.id ?? '');
    store.referenced(subnet?.id, SUBNET, nicId);
    const [network = ''] = parseId(subnet?.id ?? '').names;
    if (store.get('Microsoft.Network/virtualNetworks', network).location !== location) {
      const message = `Resource ${subnet?.id} referenced by resource ${nicId} is in another location.`;
      throw new ArmError(400, 'InvalidResourceReference', message);
    }
    if (privateIPAllocationMethod === 'Static') {
      throw invalidParameter('privateIPAllocationMethod', 'This server gives out private addresses by itself.');
    }
    if (publicIPAddress === undefined) return undefined;
    const address = store.referenced(publicIPAddress.id, PUBLIC_IP, nicId);
    const user = address.properties.ipConfiguration?.id;
    if (user !== undefined && !keyOf(user).startsWith(`${keyOf(nicId)}/`)) {
      const message = `Resource ${user} is referencing public IP address ${address.id} that is already allocated to resource ${nicId}.`;
      throw new ArmError(400, 'PublicIPAddressInUse', message);
    }
    if (address.properties.provisioningState !== 'Succeeded') throw notProvisioned(address, nicId);
    return address;
  }

  #configuration(id: string, given: IpConfiguration, existing: Nic | undefined, index: number): IpConfiguration {
    const before = existing?.properties.ipConfigurations?.[index]?.properties.privateIPAddress;
    return {
      name: given.name,
      id: `${id}/ipConfigurations/${given.name}`,
      properties: { ...given.properties, privateIPAddress: before ?? this.#store.address() },
    };
  }

  #publicIpsOf(nic: Nic | undefined): { address: PublicIp; deleteOption: string | undefined }[] {
    return (nic?.properties.ipConfigurations ?? []).flatMap(({ properties: { publicIPAddress } }) => {
      const address = this.#store.ofType(PUBLIC_IP, publicIPAddress?.id);
      return address === undefined ? [] : [{ address, deleteOption: publicIPAddress?.properties?.deleteOption }];
    });
  }

  #dissociate(nic: Nic | undefined): void {
    for (const { address } of this.#publicIpsOf(nic)) delete address.properties.ipConfiguration;
  }

  #put(method: string, resource: AnyResource, existed: boolean): Answer {
    const { location = '' } = resource;
    const done = (): undefined => {
      if (resource.properties.provisioningState === 'Updating') resource.properties.provisioningState = 'Succeeded';
    };
    const failed = (): void => void (resource.properties.provisioningState = 'Failed');
    const operation = this.#store.engine.start({ method, namespace: NETWORK, location, steps: [done], failed });
    return { status: existed ? 200 : 201, body: resource, operation };
  }

  #delete(method: string, resource: AnyResource): Answer {
    const { location = '', properties } = resource;
    properties.provisioningState = 'Deleting';
    const gone = (): undefined => {
      if (resource.type === NIC) this.#dissociate(resource);
      this.#store.remove(resource);
    };
    const failed = (): void => void (properties.provisioningState = 'Failed');
    const operation = this.#store.engine.start({ method, namespace: NETWORK, location, steps: [gone], failed });
    return { status: 202, operation };
  }
}

function inProgress(id: string): ArmError {
  return conflict(`Another operation on this or dependent resource ${id} is in progress.`);
}

function notProvisioned(resource: Nic | PublicIp, by: string): ArmError {
  const message = `Cannot proceed with operation because resource ${resource.id} used by resource ${by} is not in Succeeded state. Resource is in ${resource.properties.provisioningState} state.`;
  return new ArmError(429, 'RetryableError', 'A retryable error occurred.', {
    details: [{ code: 'ReferencedResourceNotProvisioned', message }],
  });
}
