import type { ProviderDescriptor } from '../descriptor.ts';
import { CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import { LOCAL_SETTINGS, type LocalSettings } from './settings.ts';
import { SPEC_FIELDS } from './spec-fields.ts';

export const local: ProviderDescriptor<LocalSettings> = {
  name: PROVIDER_NAME,
  description: 'processes on this computer, each with a loopback address of its own; no virtual machines',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  placement: 'host',
  hostRoom: 'whenLimited',
  callRate: { callsPerSecond: 500, burst: 1000 },
  takesCallsItself: false,
  templates: {},
  settings: LOCAL_SETTINGS,
  agentIdentity: { link: ({ agentTransport }) => (agentTransport === 'http' ? 'http' : 'channel') },
  refuse: () => undefined,
  load: () => import('./local-provider.ts'),
};
