import { z } from 'zod';
import { EXEC_LIMITS, MAX_PATH_LENGTH } from '../../domain/agent/streams/requests.ts';
import { NO_NUL } from '../../spec/spec-fields.ts';
import { vmPathSchema } from './requests.ts';

/** Of standard output and error each, in an answer. */
export const MAX_EXEC_OUTPUT_BYTES = 1024 * 1024;
const DEFAULT_EXEC_SECONDS = 60;

/** 1 to 65535, said so that whoever reads the schema knows. */
const PORT = /^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/;

export const portPathSchema = z.strictObject({
  name: vmPathSchema.shape.name,
  port: z
    .string()
    .regex(PORT, 'must be a TCP port, 1 to 65535')
    .describe('TCP port in the VM, 1 to 65535; it need not be one of the spec.'),
});

const countsAsConnection = z.boolean().optional().meta({
  description: 'While it is open it counts as a connection of the VM, which keeps the VM alive. Default: false.',
});

export const streamQuerySchema = z.strictObject({ countsAsConnection });

export const filesQuerySchema = z.strictObject({
  path: z.string().min(1).max(MAX_PATH_LENGTH).regex(NO_NUL, 'must not hold a NUL character').meta({
    description:
      'A path in the VM. Of a machine that is a process of its host it is one in the directory of that machine.',
  }),
  countsAsConnection,
});

const text = z.string().regex(NO_NUL, 'must not hold a NUL character');

const variables = z
  .record(z.string().regex(/^[^=\u0000]{1,256}$/, 'must be 1 to 256 characters without "="'), text)
  .refine((value) => Object.keys(value).length <= EXEC_LIMITS.variables, `at most ${EXEC_LIMITS.variables} variables`)
  .meta({ maxProperties: EXEC_LIMITS.variables });

const terminalSizeSchema = z.strictObject({
  rows: z.int().min(1).max(EXEC_LIMITS.mostRows).describe('Lines of the terminal.'),
  columns: z.int().min(1).max(EXEC_LIMITS.mostColumns).describe('Characters in a line.'),
});

const commandFields = {
  command: z
    .array(text)
    .min(1)
    .max(EXEC_LIMITS.arguments)
    .describe('The program and its arguments; for a line of shell, `["sh", "-c", "…"]`.'),
  env: variables.optional().describe('Variables besides those of the app. Default: none.'),
  cwd: text
    .min(1)
    .max(MAX_PATH_LENGTH)
    .optional()
    .describe(
      'Directory it starts in. Default: `/`; of a machine that is a process of its host, the directory of that.',
    ),
};

const fitsOneMessage = (value: object): boolean => JSON.stringify(value).length <= EXEC_LIMITS.bytes;
const TOO_LONG = `command, env and cwd must be at most ${EXEC_LIMITS.bytes} characters together`;

export const execBodySchema = z
  .strictObject({
    ...commandFields,
    stdin: z.string().optional().describe('What it reads. Default: nothing.'),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(EXEC_LIMITS.mostTimeoutSeconds)
      .default(DEFAULT_EXEC_SECONDS)
      .describe(`The command is killed after this. Default: ${DEFAULT_EXEC_SECONDS}.`),
  })
  .refine(({ command, env, cwd }) => fitsOneMessage({ command, env, cwd }), TOO_LONG)
  .meta({ id: 'Exec' });

/** The first message of a client over a WebSocket. */
export const execStartSchema = z
  .strictObject({
    type: z.literal('start'),
    ...commandFields,
    tty: terminalSizeSchema.optional(),
    timeoutSeconds: z.int().min(1).max(EXEC_LIMITS.mostTimeoutSeconds).optional(),
  })
  .refine(fitsOneMessage, TOO_LONG);

export const resizeSchema = z.strictObject({ type: z.literal('resize'), ...terminalSizeSchema.shape });

export const execResultSchema = z
  .object({
    exitCode: z.int().nullable().describe('Null where a signal ended the command.'),
    signal: z.string().optional().describe('That signal: `SIGKILL`.'),
    timedOut: z.boolean().describe('Whether it was killed because its time was over.'),
    stdout: z.string().describe('Read as UTF-8.'),
    stderr: z.string().describe('Read as UTF-8.'),
    truncated: z
      .boolean()
      .meta({ description: `Whether it printed more than the ${MAX_EXEC_OUTPUT_BYTES} bytes of each that are here.` }),
  })
  .meta({ id: 'ExecResult' });

export const filesResultSchema = z
  .object({ name: z.string().describe('Name of the VM.'), path: z.string().describe('Where the tar was unpacked.') })
  .meta({ id: 'FilesWritten' });
