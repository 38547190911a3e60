/** The resources that a machine is made of; the same request gives the same ones. */
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { opensEgress } from '../../../domain/network/egress.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { MachineRecord } from '../../cloud/machine-record.ts';
import type { MachineIdentity } from '../../cloud/startup-script.ts';
import type {
  ImageReference,
  MachineResource,
  NetworkInterfaceResource,
  PublicIpResource,
} from '../calls/azure-api.ts';
import { firstUserData } from '../agent-proof.ts';
import type { Place } from '../place.ts';
import type { AzureRules } from '../rules.ts';
import { machineSizeOf } from './machine-size.ts';
import { TAG, machineTags } from './machine-tags.ts';
import { resourceId, type PartNames, type ResourceGroup } from './resource-ids.ts';
import { throwawayPublicKey } from './throwaway-key.ts';

/** What all machines of a deployment have in common. */
export interface MachineDefaults extends ResourceGroup {
  deployment: string;
  rules: AzureRules;
  /** Marketplace image or id of what `vm-server` and containers run on. */
  image: string;
  /** `StandardSSD_LRS`, `Premium_LRS`, …: what the sizes in use take. */
  diskType: string;
  /** Ids of the network security groups of machines that may reach anything, and of those that may not. */
  securityGroups: { open: string | null; sealed: string | null };
  /** How machines prove that they are themselves. */
  identity: MachineIdentity;
}

/** One machine that is to be made. */
export interface Wanted {
  request: CreateMachineRequest;
  record: MachineRecord;
  place: Place;
  names: PartNames;
}

/** Of custom data, before it is in base64. */
export const MOST_CUSTOM_DATA_BYTES = 65_535;

const USER = 'ephemera';
/** Azure's smallest Linux images have 30. */
const LEAST_DISK_GB = 30;

export function publicIpResource({ request, record, place }: Wanted): PublicIpResource {
  return {
    location: place.location,
    // Of no zone, so that it serves the next try in another one too.
    tags: partTags(request.spec, record),
    sku: { name: 'Standard', tier: 'Regional' },
    publicIPAllocationMethod: 'Static',
    publicIPAddressVersion: 'IPv4',
  };
}

export function networkInterfaceResource(
  { request: { spec }, record, place, names }: Wanted,
  subnet: string,
  defaults: MachineDefaults,
): NetworkInterfaceResource {
  const { open, sealed } = defaults.securityGroups;
  const securityGroup = opensEgress(spec.egress) ? open : sealed;
  const publicIp = resourceId(defaults, 'Microsoft.Network/publicIPAddresses', names.publicIp);
  return {
    location: place.location,
    tags: partTags(spec, record),
    ipConfigurations: [
      {
        name: 'machine',
        primary: true,
        privateIPAllocationMethod: 'Dynamic',
        subnet: { id: subnet },
        ...(spec.externalIp ? { publicIPAddress: { id: publicIp, deleteOption: 'Delete' } } : {}),
      },
    ],
    ...(securityGroup === null ? {} : { networkSecurityGroup: { id: securityGroup } }),
  };
}

export interface MachineContent {
  image: ImageReference;
  /** The disk is at least as large. */
  leastDiskGb: number;
  /** Where it is reached. */
  ip: string;
  /** For cloud-init. */
  userData: string;
}

export function machineResource(wanted: Wanted, content: MachineContent, defaults: MachineDefaults): MachineResource {
  const { request, record, place, names } = wanted;
  const { spec, agentBootstrap } = request;
  return {
    location: place.location,
    ...(place.zone === null ? {} : { zones: [place.zone] }),
    tags: { ...partTags(spec, record), [TAG.ip]: content.ip },
    hardwareProfile: { vmSize: machineSizeOf(spec) },
    storageProfile: {
      imageReference: content.image,
      osDisk: {
        name: names.disk,
        createOption: 'FromImage',
        deleteOption: 'Delete',
        diskSizeGB: Math.max(spec.diskGb ?? LEAST_DISK_GB, content.leastDiskGb),
        managedDisk: { storageAccountType: defaults.diskType },
      },
    },
    osProfile: {
      computerName: names.machine,
      adminUsername: USER,
      customData: Buffer.from(content.userData).toString('base64'),
      allowExtensionOperations: false,
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        provisionVMAgent: true,
        ssh: { publicKeys: [{ path: `/home/${USER}/.ssh/authorized_keys`, keyData: throwawayPublicKey() }] },
      },
    },
    networkProfile: {
      networkInterfaces: [
        {
          id: resourceId(defaults, 'Microsoft.Network/networkInterfaces', names.networkInterface),
          primary: true,
          deleteOption: 'Delete',
        },
      ],
    },
    diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    ...(spec.spot ? { priority: 'Spot', evictionPolicy: 'Deallocate', billingProfile: { maxPrice: -1 } } : {}),
    ...(agentBootstrap === null
      ? {}
      : { userData: firstUserData(request.machineId, defaults.identity, agentBootstrap.secret) }),
  };
}

function partTags(spec: VmSpec, record: MachineRecord): Record<string, string> {
  return { ...machineTags(record, spec.labels), [TAG.made]: new Date().toISOString() };
}
