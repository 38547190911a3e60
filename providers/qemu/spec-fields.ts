import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image:
    '`vm-server`, which `npm run image` builds, an image that was registered on hosts, or a container from any registry ' +
    '([your-own-app.md](your-own-app.md))',
  zones: 'zones of hosts, tried in this order',
  hostSelector: 'labels that the host must have',
  cpus: 'virtual processors of the guest',
  memoryMb: 'memory of the guest, all of which the host counts as taken',
  diskGb: 'of the disk, which takes what is written to it; as large as its image unless set',
  egress: '`true`: what the host reaches; a list: what its rules name ([networking.md](networking.md))',
  userData: 'on a volume for cloud-init, for images that have it',
  idle: '`stop` shuts the guest down and keeps its disk; `close` keeps the disk as an image on its host',
};
