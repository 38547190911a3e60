import { SPEC_FIELDS } from './spec-fields.ts';
import { withDefaults } from './field-values.ts';
import type { TemplateSpec } from './spec-schemas.ts';
import type { VmSpec } from '../domain/vm/spec.ts';

/** A named part of a spec; without a provider of its own it is for the deployment's default one. */
export interface Template {
  version: number;
  spec: TemplateSpec;
}

/** Templates that every provider runs. */
export const BUILT_IN_TEMPLATES = {
  /** The sample chat of vm-server. */
  chat: { version: 1, spec: { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] } },
} as const satisfies Record<string, Template>;

/** The whole spec of what asks for a provider and an image at least, unchecked: for machines that no caller asked for. */
export function wholeSpec(asked: TemplateSpec & { provider: string; image: string }): VmSpec {
  return { template: null, ...withDefaults(SPEC_FIELDS, asked) };
}
