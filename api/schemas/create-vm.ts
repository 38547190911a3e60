import { z } from 'zod';
import { SECRET_INPUT_LIMITS } from '../../domain/sealed-input.ts';
import { SPEC_DEFAULTS } from '../../domain/vm-spec.ts';
import { IDLE_TEXT, ON_LOST_TEXT, PROTOCOL_TEXT, READINESS_KIND_TEXT, SPEC_TEXT } from './explanations.ts';
import { labelsSchema, nameSchema, portSchema, secondsSchema } from './names.ts';

const MAX_LABELS = 32;
const MAX_VARIABLES = 64;
const MAX_PORTS = 32;

const NO_NUL = /^[^\u0000]*$/;
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** What counts when a field is left out. */
const orTemplate = (text: string, without: string | number): string =>
  `${text} Default: that of the template; without a template ${without}.`;

const atMost = (limit: number) => (value: object) => Object.keys(value).length <= limit;

const variablesSchema = z
  .record(
    z.string().regex(VARIABLE_NAME, 'a variable name is 1 to 128 of A-Z, a-z, 0-9 and "_", no digit first'),
    z.string().max(2048).regex(NO_NUL, 'must not hold a NUL character'),
  )
  .refine(atMost(MAX_VARIABLES), `at most ${MAX_VARIABLES} variables`)
  .meta({ maxProperties: MAX_VARIABLES });

const portsSchema = z
  .array(
    z.strictObject({
      name: nameSchema.describe('Name of the port, unique in the VM.'),
      port: portSchema.describe('Port in the machine, and at its address.'),
      protocol: z.enum(['tcp', 'udp']).optional().describe(`${PROTOCOL_TEXT} Default: \`tcp\`.`),
    }),
  )
  .max(MAX_PORTS)
  .describe(orTemplate('Ports that the app listens on. Names and port/protocol pairs are unique.', 'none'));

const readinessSchema = z
  .strictObject({
    kind: z.enum(['agent', 'http', 'tcp', 'machine']).optional().describe(orTemplate(READINESS_KIND_TEXT, '`agent`')),
    port: portSchema
      .optional()
      .describe(`${SPEC_TEXT.readinessPort} One of \`ports\`. Default: that of the template, or the only TCP port.`),
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]{0,1023}$/, 'must begin with "/" and have no spaces')
      .optional()
      .describe(orTemplate(SPEC_TEXT.readinessPath, '`/`')),
    timeoutSeconds: secondsSchema
      .optional()
      .describe(orTemplate(SPEC_TEXT.readinessTimeoutSeconds, SPEC_DEFAULTS.readinessTimeoutSeconds)),
  })
  .describe('When the VM counts as ready. Default: that of the template; without a template its agent says so.');

const { idle: IDLE } = SPEC_DEFAULTS;
const idleSchema = z
  .strictObject({
    timeoutSeconds: secondsSchema.optional().describe(orTemplate(IDLE_TEXT.timeoutSeconds, IDLE.timeoutSeconds)),
    firstConnectTimeoutSeconds: secondsSchema
      .optional()
      .describe(orTemplate(IDLE_TEXT.firstConnectTimeoutSeconds, IDLE.firstConnectTimeoutSeconds)),
    silenceTimeoutSeconds: secondsSchema
      .optional()
      .describe(orTemplate(IDLE_TEXT.silenceTimeoutSeconds, IDLE.silenceTimeoutSeconds)),
    action: z.enum(['destroy']).optional().describe(`${IDLE_TEXT.action} Default: \`destroy\`.`),
  })
  .describe('When nobody uses the VM any more. Default: each field has its own.');

const image = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}$/;
const resourceName = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/;

/** Body of `POST /v1/vms`: a template with overrides, or a whole spec, flat. */
export const createVmSchema = z
  .strictObject({
    name: nameSchema.optional().describe('Unique among the live VMs of the project. Default: one is made up.'),
    template: nameSchema
      .optional()
      .describe('What the spec is taken from; fields of the request win. Default: none, so that `image` is needed.'),
    provider: nameSchema
      .optional()
      .describe(`${SPEC_TEXT.provider} Default: that of the template, or the first one of the deployment.`),
    image: z
      .string()
      .regex(image, 'not an image name')
      .optional()
      .describe(`${SPEC_TEXT.image} Default: that of the template; needed without one.`),
    zones: z.array(nameSchema).max(16).optional().describe(orTemplate(SPEC_TEXT.zones, 'those of the deployment')),
    cpus: z.int().min(1).max(256).optional().describe(orTemplate(SPEC_TEXT.cpus, SPEC_DEFAULTS.cpus)),
    memoryMb: z
      .int()
      .min(64)
      .max(4_194_304)
      .optional()
      .describe(orTemplate(SPEC_TEXT.memoryMb, SPEC_DEFAULTS.memoryMb)),
    diskGb: z.int().min(1).max(65_536).optional().describe(orTemplate(SPEC_TEXT.diskGb, 'as big as the image')),
    machineType: z
      .string()
      .regex(resourceName, 'not a machine type')
      .optional()
      .describe(orTemplate(SPEC_TEXT.machineType, 'chosen by `cpus` and `memoryMb`')),
    network: z
      .string()
      .regex(resourceName, 'not a network name')
      .optional()
      .describe(orTemplate(SPEC_TEXT.network, 'the first one that the deployment allows')),
    externalIp: z.boolean().optional().describe(orTemplate(SPEC_TEXT.externalIp, 'false')),
    spot: z.boolean().optional().describe(orTemplate(SPEC_TEXT.spot, 'false')),
    egress: z.boolean().optional().describe(orTemplate(SPEC_TEXT.egress, 'false')),
    labels: labelsSchema
      .refine(atMost(MAX_LABELS), `at most ${MAX_LABELS} labels`)
      .optional()
      .describe('Yours to find VMs by: `?label=key=value`. Added to those of the template. Default: those alone.'),
    env: variablesSchema.optional().describe(`${SPEC_TEXT.env} Added to that of the template. Default: that alone.`),
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
    ports: portsSchema.optional(),
    readiness: readinessSchema.optional(),
    idle: idleSchema.optional(),
    softLifetimeSeconds: secondsSchema.optional().describe(orTemplate(SPEC_TEXT.softLifetimeSeconds, 'never')),
    maxLifetimeSeconds: secondsSchema
      .optional()
      .describe(orTemplate(SPEC_TEXT.maxLifetimeSeconds, SPEC_DEFAULTS.maxLifetimeSeconds)),
    onLost: z.enum(['destroy', 'recreate']).optional().describe(orTemplate(ON_LOST_TEXT, '`destroy`')),
  })
  .meta({
    id: 'CreateVm',
    description:
      'A template with overrides, or without `template` a whole spec with at least `image`. ' +
      'Unknown fields are refused. What the chosen provider cannot do is refused with `unsupportedOption`.',
    examples: [{ name: 'lobby', template: 'chat', idle: { timeoutSeconds: 30 } }, { template: 'chat' }],
  });

export type CreateVmBody = z.output<typeof createVmSchema>;
