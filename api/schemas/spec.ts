/** Specs as the API takes and answers them: the fields of every spec, with what the providers have to say about them. */
import { namesWhere, providerNames } from '../../providers/lookup.ts';
import { PROVIDERS } from '../../providers/registry.ts';
import { withNotes } from '../../spec/field.ts';
import { SPEC_FIELDS } from '../../spec/spec-fields.ts';
import { createRequestOf, templateSpecOf, wholeSpecOf } from '../../spec/spec-schemas.ts';

const unlimited = namesWhere(({ capabilities }) => !capabilities.sizeEnforced);
const note =
  unlimited === ''
    ? ''
    : ` Not enforced on ${unlimited}, whose machines are processes of the host and may use all of it.`;
const offers = PROVIDERS.map(({ name, description }) => `\`${name}\`: ${description}`).join('; ');

const FIELDS = withNotes(SPEC_FIELDS, {
  // The values are for readers of the document; a name that is not on offer is answered with `unknownProvider`.
  provider: { note: ` ${offers}.`, values: providerNames() },
  cpus: { note },
  memoryMb: { note },
});

export const PROVIDER_TEXT = FIELDS.provider.info.text;

export const createVmSchema = createRequestOf(FIELDS).meta({
  id: 'CreateVm',
  description:
    'A template with overrides, or without `template` a whole spec with at least `image`. With neither, the default ' +
    'template of the deployment (EPHEMERA_DEFAULT_TEMPLATE). ' +
    'Unknown fields are refused. What the chosen provider cannot do is refused with `unsupportedOption`.',
  examples: [{ name: 'lobby', template: 'chat', idle: { timeoutSeconds: 30 } }, { template: 'chat' }],
});

/** What a template fixes of a spec. */
export const templateSpecSchema = templateSpecOf(FIELDS, secretsStayOut).meta({
  id: 'TemplateSpec',
  description:
    'What creates of the template get, unless they say otherwise themselves: the fields of a create, without ' +
    '`name`, `template`, `secretEnv` and `startupScript`; those two are sent with each create.',
});

function secretsStayOut({ code, keys }: { code: string; keys?: readonly string[] }): string | undefined {
  const found = keys?.filter((key) => key === 'secretEnv' || key === 'startupScript') ?? [];
  if (code !== 'unrecognized_keys' || found.length === 0) return undefined;
  return `${found.join(' and ')} cannot be in a template, which keeps no secret: send it with each create`;
}

export const vmSpecSchema = wholeSpecOf(FIELDS).meta({
  id: 'VmSpec',
  description: 'The whole spec with every default filled in.',
});
