import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { ProviderDescriptor, SpecRefusal } from '../descriptor.ts';
import { ec2AgentIdentity } from './agent-identity.ts';
import { CALL_RATE, CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import { imageQuestion } from './machine/image-reference.ts';
import { machineTypeOf } from './machine/machine-type.ts';
import { OWN_SERVER_REGION } from './place.ts';
import { PRICES } from './prices.ts';
import { impossibleChoice, refusedChoice } from './rules.ts';
import { EC2_SETTINGS, type Ec2Settings } from './settings.ts';
import { SPEC_FIELDS } from './spec-fields.ts';

export const ec2: ProviderDescriptor<Ec2Settings> = {
  name: PROVIDER_NAME,
  description: 'instances of Amazon EC2',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  costs: { prices: PRICES, machineTypeOf },
  placement: 'zone',
  hostRoom: 'never',
  callRate: CALL_RATE,
  takesCallsItself: true,
  templates: {},
  settings: EC2_SETTINGS,
  agentIdentity: ec2AgentIdentity(OWN_SERVER_REGION),
  refuse: refusalOf,
  load: () => import('./create.ts'),
};

function refusalOf(spec: VmSpec, { rules }: Ec2Settings): SpecRefusal | undefined {
  try {
    imageQuestion(spec.image, null);
    const impossible = impossibleChoice(spec);
    if (impossible !== undefined) return { code: 'unsupportedOption', ...impossible };
    const refused = refusedChoice(spec, rules);
    return refused === undefined ? undefined : { code: 'optionNotAllowed', ...refused };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const [, field = '', problem = error.message] = /^field (\w+): (.*)$/s.exec(error.message) ?? [];
    return { code: 'invalidRequest', field: field as keyof VmSpec, problem };
  }
}
