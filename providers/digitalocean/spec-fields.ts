import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image: '`vm-server` (the sample chat), the slug or id of an image or snapshot, or `container:IMAGE`',
  zones: 'regions, tried in this order when one has no room',
  cpus: 'of the cheapest basic size that has them, unless `machineType` names one',
  memoryMb: 'of the cheapest basic size that has it, unless `machineType` names one',
  diskGb: 'comes with the size: the cheapest with a disk at least as large',
  machineType: 'a size that `EPHEMERA_DIGITALOCEAN_SIZES` allows',
  network: 'a VPC of `EPHEMERA_DIGITALOCEAN_VPCS`; the first of the region unless set',
  externalIp:
    'an address on the internet, or a reserved one, where the deployment allows it; without, the private one of the VPC',
  egress: 'sets the tag `ephemera-egress`, else `ephemera-sealed`: the firewall of `deploy/digitalocean` goes by them',
  userData: 'for cloud-init, beside what starts the agent',
  labels: 'become tags; a text that does not fit the rules is shortened and hashed',
  idle: '`stop` switches the droplet off, which costs what one that runs costs; `close` keeps a snapshot',
};
