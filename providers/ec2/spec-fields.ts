import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image:
    '`vm-server` (Ubuntu minimal 26.04, the sample chat), `ami-…`, `family/NAME` (the newest image of your account with the tag ' +
    '`family`), `OWNER/NAME` with `*` in the name for the newest of those, where `OWNER` is `self`, `amazon` or an account; or `container:IMAGE`',
  zones: 'of those with a subnet; tried in this order when a zone has no room or quota',
  cpus: 'of the smallest T3 type that has them, above that M6i, unless `machineType` names one',
  memoryMb: 'of the smallest T3 type that has it, above that M6i, unless `machineType` names one',
  diskGb: 'root volume, 10 unless set, and at least as large as its image; encrypted, and deleted with the machine',
  machineType: 'one that `EPHEMERA_EC2_MACHINE_TYPES` allows',
  externalIp:
    'an address on the internet, where the deployment allows it; it changes when a machine is stopped and started',
  spot:
    'may be taken back by Amazon: the machine is then terminated, and its end cause is `preempted`; it cannot be stopped or ' +
    'closed',
  egress: 'gives the machine the security groups of `EPHEMERA_EC2_EGRESS_SECURITY_GROUPS`',
  userData: 'for cloud-init, beside what starts the agent; together 16 KB, packed where that helps',
  labels: 'become tags of the instance and its volume; some 25 fit',
  idle: "`close` keeps the disk as an [image](amazon-ec2.md#sessions), `stop` is EC2's own; its hibernation is not used",
};
