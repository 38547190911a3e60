import { z } from 'zod';
import { TIMEOUT_LIMITS, TIMEOUTS } from '../../domain/timeouts.ts';
import { PAGE_TOKEN } from '../projection/page-token.ts';
import { labelFilterSchema, nameSchema } from './names.ts';
import { vmStateSchema } from './vm.ts';

export const vmPathSchema = z.strictObject({ name: nameSchema });

const waitSecondsSchema = z.int().min(1).max(TIMEOUT_LIMITS.maxWaitSeconds);
const timeoutSeconds = waitSecondsSchema.optional().meta({ description: 'How long to wait; 60 when absent.' });

/** How long `?wait=` waits when nothing else is asked. */
export const DEFAULT_WAIT_SECONDS = 60;

export const createQuerySchema = z.strictObject({
  wait: z.enum(['ready']).optional().meta({ description: 'Answer when the VM is ready, or when the time is over.' }),
  timeoutSeconds,
});

export const destroyQuerySchema = z.strictObject({
  wait: z
    .enum(['destroyed'])
    .optional()
    .meta({ description: 'Answer when the machine is confirmed gone, or when the time is over.' }),
  uid: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'not a uid')
    .optional()
    .meta({ description: 'Only this life of the name, as `uid` of the VM says. Default: the latest one.' }),
  force: z
    .boolean()
    .optional()
    .meta({
      description: `Needs an admin key. Ends the VM and frees its name even if its machine cannot be destroyed within ${TIMEOUTS.forcedDestroySeconds} s of the destroy.`,
    }),
  timeoutSeconds,
});

export const getQuerySchema = z.strictObject({
  fresh: z.boolean().optional().meta({ description: 'Ask the workflow itself, for at most 2 seconds.' }),
});

export const consoleQuerySchema = z.strictObject({
  raw: z
    .boolean()
    .optional()
    .meta({ description: 'The bytes as the machine wrote them, terminal sequences included.' }),
});

export const MAX_PAGE_SIZE = 1000;
export const DEFAULT_PAGE_SIZE = 100;
/** `?fresh=true` asks every workflow of the page, so its pages are smaller. */
export const MAX_FRESH_PAGE_SIZE = 100;

export const listQuerySchema = z.strictObject({
  state: z
    .array(vmStateSchema)
    .max(8)
    .optional()
    .meta({ description: 'Only these states. Without it, VMs that have ended are left out.' }),
  template: nameSchema.optional(),
  label: z.array(labelFilterSchema).max(16).optional().meta({ description: '`key=value`; every one must match.' }),
  pageSize: z.int().min(1).max(MAX_PAGE_SIZE).optional(),
  pageToken: z
    .string()
    .regex(PAGE_TOKEN, 'no list has given this token')
    .optional()
    .meta({ description: '`nextPageToken` of the page before.' }),
  fresh: z
    .boolean()
    .optional()
    .meta({ description: 'Ask the workflows themselves, for at most 2 seconds and 100 VMs a page.' }),
});

export const holdBodySchema = z
  .strictObject({
    seconds: z.int().min(0).max(TIMEOUT_LIMITS.maxSeconds).meta({ description: '0 releases a hold.' }),
  })
  .meta({ id: 'Hold' });

export const idempotencyHeaderSchema = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .meta({
      description:
        'Makes a create repeatable: with the same key and body the same VM is answered, even after it has ended. ' +
        'With a `name`, the key belongs to that name.',
    }),
});
