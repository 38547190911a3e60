import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image:
    '`vm-server` (Ubuntu minimal 26.04, the sample chat), `NAME`, `family/NAME`, `PROJECT/NAME`, `PROJECT/family/NAME`, ' +
    '`projects/…`, or a [container](google-cloud.md#containers)',
  zones: 'tried in this order when a zone has no room or quota',
  cpus: 'of the smallest E2 type that has them, unless `machineType` names one',
  memoryMb: 'of the smallest E2 type that has it, unless `machineType` names one',
  diskGb: 'boot disk, 10 unless set, and at least as large as the image that it begins with; deleted with the machine',
  machineType: 'one that `EPHEMERA_GCP_MACHINE_TYPES` allows',
  network: 'one of `EPHEMERA_GCP_NETWORKS`, by name or path; the first of them unless set',
  externalIp:
    'an address of its own on the internet, where the deployment allows it; it changes when a machine is stopped and started',
  spot: 'may be taken back by Google: the machine is then deleted, and its end cause is `preempted`',
  egress:
    'sets the network tag `ephemera-egress`, else `ephemera-sealed`: the firewall of `deploy/gcp` keeps sealed machines from ' +
    'everything but the API',
  userData: 'in the metadata, for images with cloud-init',
  labels: "become labels of the instance; a text that does not fit Google's rules is shortened and hashed",
  maxLifetimeSeconds:
    'Compute Engine itself deletes the machine 15 minutes later, whoever is left to do it; one that waited in a pool after 60 days',
  idle:
    "`close` keeps the disk as an [image](google-cloud.md#sessions). `stop` and `suspend` are Compute Engine's own; it keeps a " +
    'suspended machine for 60 days at most and then stops it, and refuses machines with local SSDs or GPUs',
};
