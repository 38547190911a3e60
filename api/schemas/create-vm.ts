import { z } from 'zod';
import { SECRET_INPUT_LIMITS } from '../../domain/sealed-input.ts';
import { labelsSchema, nameSchema, portSchema, secondsSchema } from './names.ts';

const MAX_LABELS = 32;
const MAX_VARIABLES = 64;
const MAX_PORTS = 32;

const NO_NUL = /^[^\u0000]*$/;
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;

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
      name: nameSchema,
      port: portSchema,
      protocol: z.enum(['tcp', 'udp']).optional().meta({ description: '`tcp` when absent.' }),
    }),
  )
  .max(MAX_PORTS)
  .meta({ description: 'Ports that the app listens on. Names and port/protocol pairs are unique.' });

const readinessSchema = z.strictObject({
  kind: z.enum(['agent', 'http', 'tcp', 'machine']).optional(),
  port: portSchema.optional().meta({ description: 'One of `ports`; the only TCP port when absent.' }),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]{0,1023}$/, 'must begin with "/" and have no spaces')
    .optional(),
  timeoutSeconds: secondsSchema.optional(),
});

const idleSchema = z.strictObject({
  timeoutSeconds: secondsSchema.optional(),
  firstConnectTimeoutSeconds: secondsSchema.optional(),
  silenceTimeoutSeconds: secondsSchema.optional(),
  action: z.enum(['destroy']).optional(),
});

const image = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}$/;
const resourceName = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/;

/** Body of `POST /v1/vms`: a template with overrides, or a whole spec, flat. */
export const createVmSchema = z
  .strictObject({
    name: nameSchema.optional().meta({ description: 'Unique among the live VMs of the project; made up when absent.' }),
    template: nameSchema.optional(),
    provider: nameSchema.optional().meta({ description: "The deployment's default provider when absent." }),
    image: z.string().regex(image, 'not an image name').optional(),
    zones: z.array(nameSchema).max(16).optional(),
    cpus: z.int().min(1).max(256).optional(),
    memoryMb: z.int().min(64).max(4_194_304).optional(),
    diskGb: z.int().min(1).max(65_536).optional(),
    machineType: z.string().regex(resourceName, 'not a machine type').optional(),
    network: z.string().regex(resourceName, 'not a network name').optional(),
    externalIp: z.boolean().optional(),
    spot: z.boolean().optional(),
    egress: z.boolean().optional(),
    labels: labelsSchema.refine(atMost(MAX_LABELS), `at most ${MAX_LABELS} labels`).optional(),
    env: variablesSchema.optional(),
    secretEnv: variablesSchema.optional().meta({
      description:
        'Like `env`, for secrets: sealed before anything is kept, opened only for the machine, shown nowhere. ' +
        `At most ${SECRET_INPUT_LIMITS.secretEnvBytes} bytes together; no name that is in \`env\`.`,
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
          `ends the VM as \`notReady\`. Sealed like \`secretEnv\`; at most ${SECRET_INPUT_LIMITS.startupScriptBytes} bytes.`,
      }),
    ports: portsSchema.optional(),
    readiness: readinessSchema.optional(),
    idle: idleSchema.optional(),
    softLifetimeSeconds: secondsSchema.optional(),
    maxLifetimeSeconds: secondsSchema.optional(),
    onLost: z.enum(['destroy', 'recreate']).optional(),
  })
  .meta({
    id: 'CreateVm',
    description:
      'A template with overrides, or without `template` a whole spec with at least `image`. ' +
      'Unknown fields are refused. What the chosen provider cannot do is refused with `unsupportedOption`.',
    examples: [{ name: 'lobby', template: 'chat', idle: { timeoutSeconds: 30 } }, { template: 'chat' }],
  });

export type CreateVmBody = z.output<typeof createVmSchema>;
