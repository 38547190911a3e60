import type { ProviderDescriptor } from '../descriptor.ts';
import { CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import { refusalOf } from './spec-rules.ts';
import { QEMU_SETTINGS, type QemuSettings } from './settings.ts';
import { SPEC_FIELDS } from './spec-fields.ts';

export const qemu: ProviderDescriptor<QemuSettings> = {
  name: PROVIDER_NAME,
  description: 'virtual machines on hosts of your own, with KVM where it works',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  placement: 'host',
  hostRoom: 'always',
  callRate: { callsPerSecond: 200, burst: 400 },
  takesCallsItself: false,
  templates: {},
  settings: QEMU_SETTINGS,
  agentIdentity: { link: () => 'channel' },
  refuse: refusalOf,
  load: () => import('./create.ts'),
  loadHostTools: async () => (await import('./host-tools.ts')).hostTools,
};
