import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { ProviderDescriptor, SpecRefusal } from '../descriptor.ts';
import { azureAgentIdentity } from './agent-identity.ts';
import { CALL_RATE, CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import { DEFAULT_IMAGE, refuseKeptDisk } from './machine/image-reference.ts';
import { OWN_SERVER } from './place.ts';
import { refusedChoice } from './rules.ts';
import { AZURE_SETTINGS, type AzureSettings } from './settings.ts';
import { SPEC_FIELDS } from './spec-fields.ts';

export const azure: ProviderDescriptor<AzureSettings> = {
  name: PROVIDER_NAME,
  description: 'virtual machines of Microsoft Azure',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  placement: 'zone',
  hostRoom: 'never',
  callRate: CALL_RATE,
  takesCallsItself: true,
  templates: {},
  settings: AZURE_SETTINGS,
  agentIdentity: azureAgentIdentity(OWN_SERVER.subscription),
  refuse: refusalOf,
  load: () => import('./create.ts'),
};

function refusalOf(
  spec: VmSpec,
  { rules, subscription, resourceGroup, image }: AzureSettings,
): SpecRefusal | undefined {
  const group = {
    subscription: subscription ?? OWN_SERVER.subscription,
    resourceGroup: resourceGroup ?? OWN_SERVER.resourceGroup,
  };
  try {
    refuseKeptDisk(spec.image, group, image ?? DEFAULT_IMAGE);
    const refused = refusedChoice(spec, rules, group);
    return refused === undefined ? undefined : { code: 'optionNotAllowed', ...refused };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const [, field = '', problem = error.message] = /^field (\w+): (.*)$/s.exec(error.message) ?? [];
    return { code: 'invalidRequest', field: field as keyof VmSpec, problem };
  }
}
