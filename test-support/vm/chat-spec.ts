import type { VmSpec } from '../../domain/vm/spec.ts';
import { BUILT_IN_TEMPLATES, wholeSpec } from '../../spec/templates.ts';

/** The whole spec of the built-in template `chat` on a provider. */
export function chatTemplateSpec(provider: string): VmSpec {
  const { version, spec } = BUILT_IN_TEMPLATES.chat;
  return { ...wholeSpec({ ...spec, ports: [...spec.ports], provider }), template: { name: 'chat', version } };
}
