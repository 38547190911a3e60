import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { InstanceVerifier, ProviderDescriptor, SpecRefusal } from '../descriptor.ts';
import { CALL_RATE, CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';
import type { GceIdentityOptions } from './instance-identity.ts';
import { refuseKeptDisk } from './machine/image-reference.ts';
import { serverNameOf } from '../cloud/resource-names.ts';
import { machineTypeOf } from './machine/machine-type.ts';
import { OWN_SERVER_PROJECT } from './place.ts';
import { PRICES } from './prices.ts';
import { refusedChoice } from './rules.ts';
import { GCP_SETTINGS, type GcpSettings } from './settings.ts';
import { SPEC_FIELDS } from './spec-fields.ts';
import { TEMPLATES } from './templates.ts';

export const gcp: ProviderDescriptor<GcpSettings> = {
  name: PROVIDER_NAME,
  description: 'instances of Google Compute Engine',
  capabilities: CAPABILITIES,
  specFields: SPEC_FIELDS,
  costs: { prices: PRICES, machineTypeOf },
  placement: 'zone',
  hostRoom: 'never',
  callRate: CALL_RATE,
  takesCallsItself: true,
  templates: TEMPLATES,
  settings: GCP_SETTINGS,
  agentIdentity: {
    link: () => 'http',
    programUrl: ({ vmServerUrl }) => vmServerUrl,
    instances: {
      proofWord: 'gce',
      isUsed: ({ serviceAccount }) => serviceAccount !== null,
      instanceName: serverNameOf,
      verifier: ({ project }, expected) => (project === null ? null : lazyVerifier({ project, ...expected })),
    },
  },
  refuse: refusalOf,
  load: () => import('./create.ts'),
};

/** Loaded with the first proof. */
function lazyVerifier(options: GceIdentityOptions): InstanceVerifier {
  let loaded: Promise<InstanceVerifier> | undefined;
  return {
    verify: async (token, expected, nowMs) => {
      loaded ??= import('./instance-identity.ts').then(({ GceIdentityVerifier }) => new GceIdentityVerifier(options));
      return (await loaded).verify(token, expected, nowMs);
    },
  };
}

function refusalOf(spec: VmSpec, { rules, project }: GcpSettings): SpecRefusal | undefined {
  try {
    refuseKeptDisk(spec.image, project ?? OWN_SERVER_PROJECT);
    const refused = refusedChoice(spec, rules, project);
    return refused === undefined ? undefined : { code: 'optionNotAllowed', ...refused };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const [, field = '', problem = error.message] = /^field (\w+): (.*)$/s.exec(error.message) ?? [];
    return { code: 'invalidRequest', field: field as keyof VmSpec, problem };
  }
}
