import type { ProviderDescriptor } from '../descriptor.ts';

export const SPEC_FIELDS: NonNullable<ProviderDescriptor['specFields']> = {
  image: '`vm-server`, the sample chat, or `program`: a command of your own ([your-own-app.md](your-own-app.md))',
  zones: 'zones of hosts, tried in this order',
  hostSelector: 'labels that the host must have',
  cpus: 'room that is counted where the host is limited; nothing keeps a process from taking more',
  memoryMb: 'room that is counted where the host is limited; nothing keeps a process from taking more',
  idle: '`stop` ends the process and keeps its files; `suspend` stops it where it is (SIGSTOP); `close` copies its files',
};
