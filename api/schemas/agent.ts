import { z } from 'zod';
import { MAX_CONNECTIONS } from '../../domain/agent-protocol.ts';
import { FORWARDING } from '../../domain/report-forwarding.ts';

const countSchema = z.int().min(0).max(MAX_CONNECTIONS);
const sequenceSchema = z.int().min(0);
/** A year: older than any machine, and far from overflow. */
const ageMsSchema = z.number().min(0).max(31_536_000_000);

const assignedSchema = z
  .discriminatedUnion('state', [
    z.strictObject({ state: z.enum(['underway', 'done']) }),
    z.strictObject({
      state: z.literal('failed'),
      end: z.strictObject({
        exitCode: z.int().min(0).max(255).nullable(),
        cause: z.enum(['exited', 'timedOut', 'killed', 'unstartable', 'interrupted']),
      }),
    }),
  ])
  .meta({ id: 'AssignmentState', description: 'What became of the assignment; absent while the agent has none.' });

const assignmentSchema = z
  .object({
    machineId: z.string(),
    name: z.string(),
    project: z.string(),
    env: z.record(z.string(), z.string()),
    secretEnv: z.record(z.string(), z.string()),
    startupScript: z.string().nullable(),
    timeoutSeconds: z.number(),
  })
  .meta({ id: 'Assignment', description: 'For a machine with sealed input, until its reports say that it has it.' });

export const exchangeBodySchema = z
  .strictObject({
    secret: z
      .string()
      .min(1)
      .max(4096)
      .meta({ description: 'The one-time bootstrap secret, or the proof of a Compute Engine instance.' }),
    nonce: z
      .string()
      .regex(/^[A-Za-z0-9._-]{8,128}$/, 'must be 8 to 128 of A-Z, a-z, 0-9, ".", "_" and "-"')
      .meta({ description: 'Made up by the agent once, so that a lost reply can be asked for again.' }),
  })
  .meta({ id: 'AgentExchange' });

export const exchangeReplySchema = z
  .object({ token: z.string(), nextReportSeconds: z.int() })
  .meta({ id: 'AgentExchangeReply' });

const forwardedSchema = z
  .strictObject({
    sequence: sequenceSchema,
    connections: countSchema,
    ageMs: ageMsSchema,
    tokens: z.number().min(0).max(FORWARDING.bucketSize),
    edgeTokens: z.number().min(0).max(FORWARDING.edgeBucketSize).optional(),
  })
  .meta({ id: 'ForwardedState' });

export const reportBodySchema = z
  .strictObject({
    sequence: sequenceSchema,
    connections: countSchema,
    ready: z.boolean(),
    calmMs: ageMsSchema,
    forwarded: forwardedSchema.nullable(),
    assigned: assignedSchema.optional(),
  })
  .meta({ id: 'AgentReport' });

export const reportReplySchema = z
  .object({
    nextReportSeconds: z.int(),
    forwarded: forwardedSchema.nullable(),
    draining: z.boolean(),
    token: z.string().optional(),
    assignment: assignmentSchema.optional(),
  })
  .meta({ id: 'AgentReportReply' });
