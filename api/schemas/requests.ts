import { z } from 'zod';
import { MAX_LEASE_SECONDS } from '../../domain/agent/usage.ts';
import { MAX_CONNECTIONS } from '../../domain/agent/protocol.ts';
import { TIMEOUT_LIMITS, TIMEOUTS } from '../../domain/timeouts.ts';
import { PAGE_TOKEN } from '../projection/page-token.ts';
import { VM_STATE_TEXT } from './explanations.ts';
import { nameSchema } from '../../spec/spec-fields.ts';
import { laterHeadersSchema, queueTimeoutSeconds } from './request.ts';
import { labelFilterSchema } from './label-filter.ts';
import { vmStateSchema } from './vm.ts';

export const vmPathSchema = z.strictObject({ name: nameSchema.describe('Name of the VM, in the project of the key.') });

const waitSecondsSchema = z.int().min(1).max(TIMEOUT_LIMITS.maxWaitSeconds);
const timeoutSeconds = waitSecondsSchema.optional().describe('How long to wait, with `wait`. Default: 60.');

/** How long `?wait=` waits when nothing else is asked. */
export const DEFAULT_WAIT_SECONDS = 60;

export const createQuerySchema = z.strictObject({
  wait: z
    .enum(['ready'])
    .optional()
    .describe('`ready`: answer when the VM is ready, or when the time is over. Default: answer at once.'),
  timeoutSeconds,
  queueTimeoutSeconds,
});

export const destroyQuerySchema = z.strictObject({
  wait: z.enum(['destroyed']).optional().meta({
    description:
      '`destroyed`: answer when the machine is confirmed gone, or when the time is over. Default: answer at once.',
  }),
  uid: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'not a uid')
    .optional()
    .meta({ description: 'Only this life of the name, as `uid` of the VM says. Default: the latest one.' }),
  force: z
    .boolean()
    .optional()
    .meta({
      description: `Needs an admin key. Ends the VM and frees its name even if its machine cannot be destroyed within ${TIMEOUTS.forcedDestroySeconds} s of the destroy. Default: false.`,
    }),
  timeoutSeconds,
  queueTimeoutSeconds,
});

export const stopQuerySchema = z.strictObject({
  force: z.boolean().optional().meta({ description: 'Stop the VM though it has users. Default: false.' }),
  queueTimeoutSeconds,
});

export const suspendQuerySchema = z.strictObject({
  force: z.boolean().optional().meta({ description: 'Suspend the VM though it has users. Default: false.' }),
  queueTimeoutSeconds,
});

export const getQuerySchema = z.strictObject({
  fresh: z.boolean().optional().meta({
    description: 'Ask the workflow itself, for at most 2 seconds. Default: false, which is what Temporal keeps of it.',
  }),
});

export const consoleQuerySchema = z.strictObject({
  raw: z
    .boolean()
    .optional()
    .meta({ description: 'The bytes as the machine wrote them, terminal sequences included. Default: false.' }),
});

/** Of hosts and keys. */
const MAX_ID_CHARACTERS = 100;
export const MAX_PAGE_SIZE = 1000;
export const DEFAULT_PAGE_SIZE = 100;
/** `?fresh=true` asks every workflow of the page, so its pages are smaller. */
export const MAX_FRESH_PAGE_SIZE = 100;

export const listQuerySchema = z.strictObject({
  state: z
    .array(vmStateSchema)
    .max(8)
    .optional()
    .meta({ description: `Only these states. ${VM_STATE_TEXT} Default: all but those that have ended.` }),
  template: nameSchema.optional().describe('Only VMs of this template. Default: all.'),
  label: z
    .array(labelFilterSchema)
    .max(16)
    .optional()
    .meta({ description: '`key=value`; every one must match. Default: all VMs.' }),
  inUse: z
    .boolean()
    .optional()
    .describe('`true`: only VMs that somebody used by their last count; `false`: only the others. Default: all.'),
  provider: nameSchema.optional().describe('Only VMs of this provider. Default: all.'),
  zone: nameSchema.optional().describe('Only VMs whose machine is in this zone. Default: all.'),
  host: z
    .string()
    .max(MAX_ID_CHARACTERS)
    .optional()
    .describe('Only VMs whose machine is on this host of ours. Default: all.'),
  createdBy: z
    .string()
    .max(MAX_ID_CHARACTERS)
    .optional()
    .describe('Only VMs that the API key of this id made. Default: all.'),
  pageSize: z
    .int()
    .min(1)
    .max(MAX_PAGE_SIZE)
    .optional()
    .describe(`VMs on a page at most. Default: ${DEFAULT_PAGE_SIZE}.`),
  pageToken: z
    .string()
    .regex(PAGE_TOKEN, 'no list has given this token')
    .optional()
    .meta({ description: '`nextPageToken` of the page before. Default: the first page.' }),
  fresh: z
    .boolean()
    .optional()
    .meta({ description: 'Ask the workflows themselves, for at most 2 seconds and 100 VMs a page. Default: false.' }),
});

export const holdBodySchema = z
  .strictObject({
    seconds: z
      .int()
      .min(0)
      .max(TIMEOUT_LIMITS.maxSeconds)
      .meta({ description: 'How long from now on the VM is kept though it is empty; 0 releases a hold.' }),
  })
  .meta({ id: 'Hold' });

export const connectionsBodySchema = z
  .strictObject({
    connections: z
      .int()
      .min(0)
      .max(MAX_CONNECTIONS)
      .describe('How many use the VM now; 0 says that the last one has just left.'),
    lease: z
      .strictObject({
        by: z
          .string()
          .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be 1 to 64 letters, digits and dashes')
          .describe('Who counts: the counts of several stand beside each other.'),
        seconds: z.int().min(1).max(MAX_LEASE_SECONDS).describe('For how long it holds unless it is sent again.'),
      })
      .optional()
      .describe(
        'For programs that may be killed: the count is over after these seconds, and changes nothing where an agent counts. Default: it holds until the next count.',
      ),
  })
  .meta({ id: 'Connections' });

export const createHeadersSchema = z.looseObject({
  prefer: laterHeadersSchema.shape.prefer,
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .meta({
      description:
        'Makes a create repeatable: with the same key and body the same VM is answered, even after it has ended. ' +
        'With a `name`, the key belongs to that name. Default: none, and each create without a `name` makes a new VM.',
    }),
});
