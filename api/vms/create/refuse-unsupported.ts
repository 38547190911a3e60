import type { Readiness, VmSpec } from '../../../domain/vm/spec.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import type { Capability } from '../../../spec/field.ts';
import { asksForNothing, valuesOf, type FoundField } from '../../../spec/field-values.ts';
import { SPEC_FIELDS } from '../../../spec/spec-fields.ts';
import type { CreateVmBody } from '../../../spec/spec-schemas.ts';
import { ApiProblem } from '../../http/errors/problem.ts';

/** What only some providers can do, and how refusals call it. */
interface Wish {
  field: string;
  what: string;
  capability: Capability;
}

/** @throws ApiProblem `unsupportedOption` that names each field which the provider cannot fulfil. */
export function refuseUnsupported(body: CreateVmBody, provider: string): void {
  const can = descriptorOf(provider).capabilities;
  const refused = wishesOf(body).filter(({ capability }) => !can[capability]);
  if (refused.length > 0) {
    const texts = refused.map(({ field, what }) => `body.${field}: ${provider} does not support ${what}`);
    throw new ApiProblem('unsupportedOption', texts.join('; '));
  }
  if (body.image !== undefined && can.images !== null && !can.images.includes(body.image)) {
    const text = `body.image: ${provider} has no image ${body.image}; it has: ${can.images.join(', ')}`;
    throw new ApiProblem('unsupportedOption', text);
  }
}

function wishesOf(body: CreateVmBody): Wish[] {
  const secret = (['startupScript', 'secretEnv'] as const).filter((field) => !asksForNothing(body[field]));
  return [
    ...valuesOf(SPEC_FIELDS, body).flatMap(wish),
    ...secret.map((field) => ({ field, what: field, capability: field })),
  ];
}

function wish({ path, node: { info }, value }: FoundField): Wish[] {
  if (asksForNothing(value)) return [];
  const { listCapability: ofList } = info;
  if (ofList !== undefined && Array.isArray(value)) {
    return [{ field: path, what: ofList.name, capability: ofList.capability }];
  }
  if (info.capability !== undefined) return [{ field: path, what: path, capability: info.capability }];
  const ofValue = typeof value === 'string' ? info.valueCapability?.[value] : undefined;
  if (ofValue === undefined) return [];
  return [{ field: path, what: ofValue.name ?? `${path} ${String(value)}`, capability: ofValue.capability }];
}

const CONTAINER_IMAGE = /^container:/;

/**
 * @throws ApiProblem `unsupportedOption` when nobody could give the machine its sealed input, or hold the VM back until
 * it has it.
 */
export function refuseUndeliverable(body: CreateVmBody, provider: string, image: string, readiness: Readiness): void {
  if (CONTAINER_IMAGE.test(image) && !asksForNothing(body.startupScript)) {
    const why = 'a container image starts its own program and does not support startupScript: build it into the image';
    throw new ApiProblem('unsupportedOption', `body.startupScript: ${why}`);
  }
  const field = sealedField(body);
  const why = whyUntold({ provider, image, readiness }, field);
  if (why !== undefined) throw new ApiProblem('unsupportedOption', `body.${field}: ${why}`);
}

/**
 * Why a machine of the spec could not be told later what it is, before its users are let in; undefined where it can. `what`: what
 * it would be told, for people.
 */
export function whyUntold(
  { provider, image, readiness: { kind } }: Pick<VmSpec, 'provider' | 'image' | 'readiness'>,
  what: string,
): string | undefined {
  const { containerSecrets, sealedWithoutAgentReadiness } = descriptorOf(provider).capabilities;
  if (CONTAINER_IMAGE.test(image) && !containerSecrets) return `a container does not support ${what}`;
  if (kind === 'agent' || sealedWithoutAgentReadiness) return undefined;
  return `${provider} hands it to the agent, which readiness ${kind} does not wait for; use readiness agent`;
}

function sealedField({ secretEnv }: CreateVmBody): string {
  return Object.keys(secretEnv ?? {}).length > 0 ? 'secretEnv' : 'startupScript';
}
