import { z } from 'zod';
import { projectSchema } from '../../security/keys/keys-file.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../schemas/requests.ts';

/** Base 36: the file's inode, then the offset at which the last line shown begins. */
export const AUDIT_PAGE_TOKEN = /^([0-9a-z]{1,13})-([0-9a-z]{1,11})$/;

const time = z.iso.datetime({ offset: true }).optional();
const word = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be 1 to 100 letters, digits and dashes');

export const auditQuerySchema = z.strictObject({
  since: time.describe('Only what was done at or after this time. Default: from the begin of the file.'),
  until: time.describe('Only what was done before this time. Default: up to now.'),
  project: projectSchema.optional().describe('Only what keys of this project did. Default: all.'),
  action: word.optional().describe('Only this action, as `operationId` of this document has it. Default: all.'),
  keyId: word.optional().describe('Only what the key of this id did. Default: all.'),
  vm: word.optional().describe('Only what was done to VMs of this name. Default: everything.'),
  pageSize: z
    .int()
    .min(1)
    .max(MAX_PAGE_SIZE)
    .optional()
    .describe(`Entries on a page at most. Default: ${DEFAULT_PAGE_SIZE}.`),
  pageToken: z
    .string()
    .regex(AUDIT_PAGE_TOKEN, 'no page has given this token')
    .optional()
    .meta({ description: '`nextPageToken` of the page before. Default: the first page.' }),
});
export type AuditQuery = z.output<typeof auditQuerySchema>;

export const auditEntrySchema = z
  .object({
    at: z.iso.datetime().describe('When it was answered.'),
    requestId: z.string().describe('Names the request in the answer and in the log.'),
    remoteAddress: z.string().describe('Where it came from, or the proxy that it came through.'),
    keyId: z.string().optional().describe('Who: id of the key; absent where no key of ours was shown.'),
    role: z.string().optional().describe('Role of that key.'),
    project: z.string().optional().describe('Project of that key.'),
    action: z.string().describe('What was asked for, as `operationId` of this document has it.'),
    method: z.string().describe('HTTP method.'),
    path: z.string().describe('Path as this document has it.'),
    vm: z.string().optional().describe('Name of the VM that it was about; absent where it was about none.'),
    target: z.record(z.string(), z.unknown()).optional().describe('What else it was about, where it was.'),
    workflowId: z.string().optional().describe('Workflow of the VM.'),
    uid: z.string().optional().describe('Life of the VM.'),
    request: z.string().optional().describe('Id of the request for later that was done.'),
    force: z.literal(true).optional().describe('It was asked for with `force`.'),
    dryRun: z.literal(true).optional().describe('It was checked alone.'),
    status: z.int().describe('HTTP status of the answer.'),
    code: z.string().optional().describe('Why it was refused; absent where it was not.'),
  })
  .meta({ id: 'AuditEntry', description: 'One change, or one attempt to change something.' });
export type ApiAuditEntry = z.output<typeof auditEntrySchema>;

export const auditPageSchema = z
  .object({
    entries: z.array(auditEntrySchema).describe('The newest first.'),
    unreadable: z
      .int()
      .describe('Lines that were passed over because they are no entries; 0 unless the file is damaged.'),
    nextPageToken: z
      .string()
      .optional()
      .describe(
        'For the page with what is older; absent on the last one. A page before the last may hold few entries, or none.',
      ),
  })
  .meta({ id: 'AuditPage', description: 'Who did what.' });
