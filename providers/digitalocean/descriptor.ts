import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { ProviderDescriptor, SpecRefusal } from '../descriptor.ts';
import { CALL_RATE, CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import { PRICES } from './prices.ts';
import { refusedChoice } from './rules.ts';
import { DIGITALOCEAN_SETTINGS, type DigitalOceanSettings } from './settings.ts';
import { sizeOf } from './sizes.ts';
import { checkChoices } from './spec-check.ts';
import { SPEC_FIELDS } from './spec-fields.ts';

export const digitalocean: ProviderDescriptor<DigitalOceanSettings> = {
  name: PROVIDER_NAME,
  description: 'droplets of DigitalOcean',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  costs: { prices: PRICES, machineTypeOf: (spec) => sizeOf(spec) },
  placement: 'zone',
  hostRoom: 'never',
  callRate: CALL_RATE,
  takesCallsItself: true,
  templates: {},
  settings: DIGITALOCEAN_SETTINGS,
  // DigitalOcean vouches for no droplet: each has a one-time secret in its tags.
  agentIdentity: { link: () => 'http', programUrl: ({ vmServerUrl }) => vmServerUrl },
  refuse: refusalOf,
  load: () => import('./create.ts'),
};

function refusalOf(spec: VmSpec, { rules }: DigitalOceanSettings): SpecRefusal | undefined {
  try {
    checkChoices(spec);
    const refused = refusedChoice(spec, rules);
    return refused === undefined ? undefined : { code: 'optionNotAllowed', ...refused };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const [, field = '', problem = error.message] = /^field ([\w]+)[^:]*: (.*)$/s.exec(error.message) ?? [];
    return { code: 'invalidRequest', field: field as keyof VmSpec, problem };
  }
}
