import { PROVIDER_CAPABILITIES, type ProviderCapabilities } from '../../domain/provider-capabilities.ts';
import type { Readiness } from '../../domain/vm-spec.ts';
import { ApiProblem } from '../http/problem.ts';
import type { CreateVmBody } from '../schemas/create-vm.ts';

/** Fields that ask for a capability, each with when it does. */
const ASKS: readonly (readonly [
  field: string,
  capability: Exclude<keyof ProviderCapabilities, 'images' | 'sealedWithoutAgentReadiness'>,
  asks: (body: CreateVmBody) => boolean,
])[] = [
  ['zones', 'zones', ({ zones }) => (zones?.length ?? 0) > 0],
  ['diskGb', 'disk', ({ diskGb }) => diskGb !== undefined],
  ['machineType', 'machineType', ({ machineType }) => machineType !== undefined],
  ['network', 'network', ({ network }) => network !== undefined],
  ['externalIp', 'externalIp', ({ externalIp }) => externalIp === true],
  ['spot', 'spot', ({ spot }) => spot === true],
  ['egress', 'egress', ({ egress }) => egress === true],
  ['startupScript', 'startupScript', ({ startupScript }) => (startupScript ?? '') !== ''],
  ['secretEnv', 'secretEnv', ({ secretEnv }) => Object.keys(secretEnv ?? {}).length > 0],
  ['readiness.kind tcp', 'tcpReadiness', ({ readiness }) => readiness?.kind === 'tcp'],
  ['ports', 'udpPorts', ({ ports }) => ports?.some(({ protocol }) => protocol === 'udp') ?? false],
];

/** @throws ApiProblem `unsupportedOption` that names the first field which the provider cannot fulfil. */
export function refuseUnsupported(body: CreateVmBody, provider: string): void {
  const can = PROVIDER_CAPABILITIES[provider];
  if (can === undefined) return;
  for (const [field, capability, asks] of ASKS) {
    if (asks(body) && !can[capability]) throw unsupported(field, provider);
  }
  if (body.image !== undefined && can.images !== null && !can.images.includes(body.image)) {
    const text = `body.image: ${provider} has no image ${body.image}; it has: ${can.images.join(', ')}`;
    throw new ApiProblem('unsupportedOption', text);
  }
}

const CONTAINER_IMAGE = /^container:/;

/**
 * @throws ApiProblem `unsupportedOption` when nobody could give the machine its sealed input, or hold the VM back until
 * it has it.
 */
export function refuseUndeliverable(body: CreateVmBody, provider: string, image: string, { kind }: Readiness): void {
  if (CONTAINER_IMAGE.test(image)) throw unsupported(sealedField(body), 'a container');
  if (kind === 'agent' || PROVIDER_CAPABILITIES[provider]?.sealedWithoutAgentReadiness !== false) return;
  const why = `${provider} hands it to the agent, which readiness ${kind} does not wait for; use readiness agent`;
  throw new ApiProblem('unsupportedOption', `body.${sealedField(body)}: ${why}`);
}

function sealedField({ secretEnv }: CreateVmBody): string {
  return Object.keys(secretEnv ?? {}).length > 0 ? 'secretEnv' : 'startupScript';
}

function unsupported(field: string, provider: string): ApiProblem {
  const what = field === 'ports' ? 'UDP ports' : field;
  return new ApiProblem(
    'unsupportedOption',
    `body.${field.split(' ')[0] ?? field}: ${provider} does not support ${what}`,
  );
}
