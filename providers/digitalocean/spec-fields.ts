import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image:
    '`vm-server` (Ubuntu 24.04, the sample chat), a slug such as `debian-13-x64`, the id of an image or snapshot of yours, `family/NAME` ' +
    '(the newest image with the tag `ephemera-family:NAME` in the region), or `container:IMAGE`',
  zones: 'regions, tried in this order when one has no room for the size',
  cpus: 'of the cheapest basic size that has them, unless `machineType` names one',
  memoryMb: 'of the cheapest basic size that has it, unless `machineType` names one',
  diskGb:
    'the least that the disk of the size has; it comes with the size, so beside a `machineType` it only refuses one that is smaller',
  machineType: 'a size that `EPHEMERA_DIGITALOCEAN_SIZES` allows',
  network:
    'the UUID of one of `EPHEMERA_DIGITALOCEAN_VPCS`; the first of its region unless set; a machine is made in the region of its VPC alone',
  externalIp:
    'an address on the internet, where the deployment allows it, a reserved one where it says so; without one a droplet has no public ' +
    'network at all',
  egress:
    'sets the tag `ephemera-egress`, else `ephemera-sealed`: the firewall of `deploy/digitalocean` keeps sealed machines from ' +
    'everything but the API',
  userData: 'for images with cloud-init',
  labels: 'become tags `ephemera-label:KEY:VALUE`; a text that does not fit is shortened and hashed',
  idle:
    '`close` keeps the disk as a [snapshot](digitalocean.md#sessions) in its region. A droplet that is stopped costs as much as one that ' +
    'runs; there is no `suspend`',
};
