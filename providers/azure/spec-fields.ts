import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image:
    '`vm-server` (Ubuntu minimal 26.04, the sample chat), `PUBLISHER:OFFER:SKU:VERSION` of the marketplace, `NAME` of a managed image, ' +
    '`GALLERY/DEFINITION` or `GALLERY/DEFINITION/VERSION` of the resource group, a whole id, or a container',
  zones: 'locations, or zones of them (`westus3-2`), tried in this order when one has no room or quota',
  cpus: 'of the first of a table of `Bsv2` sizes that has them, `Dsv5` for `spot`, unless `machineType` names one',
  memoryMb: 'of the first size of that table that has it, unless `machineType` names one',
  diskGb: 'OS disk, 30 unless set, and at least as large as the image of a session; deleted with the machine',
  machineType: 'a VM size that `EPHEMERA_AZURE_MACHINE_TYPES` allows',
  network: 'one of `EPHEMERA_AZURE_SUBNETS`; the first in the location of the machine unless set',
  externalIp: 'a standard public address, where the deployment allows it; it stays the same over a stop and a start',
  spot: 'may be taken back: Azure deallocates it, the VM ends as `preempted`, and what is left is deleted',
  egress: 'chooses the network security group of machines with egress, else that of machines without',
  userData: 'in the custom data, for images with cloud-init',
  labels: 'become tags, 24 at most; what does not fit is shortened and hashed, and so are names with upper case',
  maxLifetimeSeconds: 'ends the VM; Azure has no limit of its own for when nobody is left to do it',
  idle: '`close` keeps the disk as a [managed image](azure.md#sessions). `stop` deallocates: disk and address are still paid for',
};
