/** The schemas of requests, templates and whole specs, all from the same fields. */
import { z } from 'zod';
import { SECRET_INPUT_LIMITS } from '../domain/machine/sealed-input.ts';
import type { Fields } from './field.ts';
import { askedShape, keptShape } from './field-schemas.ts';
import { NO_NUL, nameSchema, SPEC_FIELDS, variablesSchema } from './spec-fields.ts';
import { templateReferenceSchema } from './template-reference.ts';

/** Any part of a spec: what a template fixes. Its own name and what is secret are not in it. */
export const templateSpecOf = <Of extends Fields>(
  fields: Of,
  error?: (issue: z.core.$ZodRawIssue) => string | undefined,
) => z.strictObject(askedShape(fields, 'template'), error === undefined ? undefined : { error });

/** What `POST /v1/vms` takes: a template with overrides, or a whole spec, flat. */
export const createRequestOf = <Of extends Fields>(fields: Of) =>
  z.strictObject({
    name: nameSchema.optional().describe('Unique among the live VMs of the project. Default: one is made up.'),
    template: templateReferenceSchema
      .optional()
      .describe(
        'What the spec is taken from; fields of the request win. `chat` is the version of it that serves, `chat@3` its ' +
          'version 3. Default: none where `image` is given, else the default template of the deployment.',
      ),
    ...askedShape(fields, 'request'),
    fresh: z
      .boolean()
      .optional()
      .describe(
        'Whether the VM starts with a clean disk though its name was closed and an image is kept of it. Default: false, ' +
          'which starts from that image.',
      ),
    secretEnv: variablesSchema.optional().meta({
      description:
        'Like `env`, for secrets: sealed before anything is kept, opened only for the machine, shown nowhere. ' +
        `At most ${SECRET_INPUT_LIMITS.secretEnvBytes} bytes together; no name that is in \`env\`. Default: none.`,
    }),
    startupScript: z
      .string()
      .max(SECRET_INPUT_LIMITS.startupScriptBytes)
      .regex(NO_NUL, 'must not hold a NUL character')
      .optional()
      .meta({
        description:
          'Runs once on each machine, before the VM is ready: by the interpreter of its `#!` line, else by /bin/sh, ' +
          'with `env` and `secretEnv` in its environment. Its output goes to the console; an exit code other than 0 ' +
          `ends the VM as \`notReady\`. Sealed like \`secretEnv\`; at most ${SECRET_INPUT_LIMITS.startupScriptBytes} bytes. Default: none.`,
      }),
  });

export const templateRefSchema = z.object({
  name: z.string().describe('Name of the template.'),
  version: z.int().describe('Its version when the VM was made.'),
});

const sealedSchema = z.object({
  secretEnvNames: z.array(z.string()).describe('Names of the variables of `secretEnv`.'),
  startupScript: z.boolean().describe('Whether there is a startup script.'),
});

const startFromSchema = z.object({
  imageId: z.string().describe('Id of the image, as its provider knows it.'),
  host: z.string().nullable().describe('The host that has the image, and alone can start from it; null in a cloud.'),
  session: z
    .string()
    .optional()
    .describe(
      'Names the session through all of its closes and reopens; absent where an earlier version made the image.',
    ),
});

/** A spec with every default filled in. */
export const wholeSpecOf = <Of extends Fields>(fields: Of) =>
  z.object({
    template: templateRefSchema.nullable().describe('What the spec was taken from; null when it was given whole.'),
    ...keptShape(fields),
    startFrom: startFromSchema
      .optional()
      .describe('The image of a closed or snapshotted VM that its disk begins with; absent: the disk of `image`.'),
    sealed: sealedSchema
      .optional()
      .describe('Which secret variables there are and whether there is a startup script; never what is in them.'),
  });

export const templateSpecSchema = templateSpecOf(SPEC_FIELDS);

export type TemplateSpec = z.output<typeof templateSpecSchema>;
export type CreateVmBody = z.output<ReturnType<typeof createRequestOf<typeof SPEC_FIELDS>>>;
