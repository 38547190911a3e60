import { z } from 'zod';
import { MAX_CONNECTIONS } from '../../domain/agent/protocol.ts';
import { FORWARDING } from '../../domain/agent/report-forwarding.ts';
import type { AssignmentState, ScriptEnd } from '../../domain/agent/assignment.ts';
import { choice } from '../../spec/choice.ts';

const ASSIGNED_TEXT = choice<AssignmentState['state']>('What became of the assignment.', {
  underway: 'its startup script runs',
  done: 'it was carried out',
  failed: 'its startup script failed',
});
const SCRIPT_END_TEXT = choice<ScriptEnd['cause']>('Why the script ended.', {
  exited: 'by itself, with `exitCode`',
  timedOut: 'it took too long and was killed',
  killed: 'something else killed it',
  unstartable: 'its interpreter is not there',
  interrupted: 'the agent ended while it ran',
});
const NEXT_REPORT_TEXT = 'When to report again if nothing happens before.';

const countSchema = z.int().min(0).max(MAX_CONNECTIONS);
const sequenceSchema = z.int().min(0);
/** A year: older than any machine, and far from overflow. */
const ageMsSchema = z.number().min(0).max(31_536_000_000);

const assignedSchema = z
  .discriminatedUnion('state', [
    z.strictObject({ state: z.enum(['underway', 'done']).describe(ASSIGNED_TEXT) }),
    z.strictObject({
      state: z.literal('failed').describe(ASSIGNED_TEXT),
      end: z
        .strictObject({
          exitCode: z.int().min(0).max(255).nullable().describe('Null when the script did not end by itself.'),
          cause: z.enum(['exited', 'timedOut', 'killed', 'unstartable', 'interrupted']).describe(SCRIPT_END_TEXT),
        })
        .describe('How the startup script ended.'),
    }),
  ])
  .meta({ id: 'AssignmentState', description: 'What became of the assignment. Default: the agent has none.' });

const assignmentSchema = z
  .object({
    machineId: z.string().describe('The machine that it is for.'),
    name: z.string().describe('Name of its VM.'),
    project: z.string().describe('Project of its VM.'),
    env: z.record(z.string(), z.string()).describe('Environment of the app.'),
    secretEnv: z.record(z.string(), z.string()).describe('Secret environment of the app.'),
    startupScript: z.string().nullable().describe('Runs once before the app lets anybody in; null: there is none.'),
    timeoutSeconds: z.number().describe('How long the script may take.'),
  })
  .meta({ id: 'Assignment', description: 'For a machine with sealed input, until its reports say that it has it.' });

export const exchangeBodySchema = z
  .strictObject({
    secret: z
      .string()
      .min(1)
      // Clouds sign documents with the certificates of their signers in them.
      .max(32_768)
      .meta({ description: 'The one-time bootstrap secret, or the proof of an instance of a cloud.' }),
    nonce: z
      .string()
      .regex(/^[A-Za-z0-9._-]{8,128}$/, 'must be 8 to 128 of A-Z, a-z, 0-9, ".", "_" and "-"')
      .meta({ description: 'Made up by the agent once, so that a lost reply can be asked for again.' }),
  })
  .meta({ id: 'AgentExchange' });

export const exchangeReplySchema = z
  .object({
    token: z.string().describe('Report token: the bearer of `POST /v1/agent/report`.'),
    nextReportSeconds: z.int().describe(NEXT_REPORT_TEXT),
  })
  .meta({ id: 'AgentExchangeReply' });

const forwardedSchema = z
  .strictObject({
    sequence: sequenceSchema.describe('Sequence of the report that was forwarded last.'),
    connections: countSchema.describe('The count in it.'),
    ageMs: ageMsSchema.describe('How long ago that was.'),
    tokens: z.number().min(0).max(FORWARDING.bucketSize).describe('Changes of the count that may still be forwarded.'),
    edgeTokens: z
      .number()
      .min(0)
      .max(FORWARDING.edgeBucketSize)
      .optional()
      .describe('Times that the leaving of the last user may still be forwarded. Default: all of them.'),
  })
  .meta({ id: 'ForwardedState' });

export const reportBodySchema = z
  .strictObject({
    sequence: sequenceSchema.describe('Grows with every report of a machine, across restarts of its agent.'),
    connections: countSchema.describe('Users connected now.'),
    ready: z.boolean().describe('Whether the app answers.'),
    calmMs: ageMsSchema.describe('How long the count has been the same.'),
    forwarded: forwardedSchema.nullable().describe('`forwarded` of the answer before; null at first.'),
    answers: z
      .string()
      .max(64)
      .optional()
      .describe(
        '`confirm` of the answer before, if it had one: the count was taken since. Default: it answers no question.',
      ),
    assigned: assignedSchema.optional(),
  })
  .meta({ id: 'AgentReport' });

export const reportReplySchema = z
  .object({
    nextReportSeconds: z.int().describe(NEXT_REPORT_TEXT),
    forwarded: forwardedSchema.nullable().describe('To be sent with the next report: no replica remembers it.'),
    draining: z.boolean().describe('Whether the app should admit nobody new.'),
    confirm: z.string().optional().describe('A question that waits for a fresh count: name it in the next `answers`.'),
    token: z.string().optional().describe('A newer report token, to be used from now on.'),
    assignment: assignmentSchema.optional(),
    assignedBefore: z
      .string()
      .optional()
      .describe('Id of the machine, where it said before that it has its sealed input: it is not given again.'),
    streams: z
      .boolean()
      .optional()
      .describe(
        'The API wants `GET /v1/agent/link`, through which it reaches programs of the machine. Default: false.',
      ),
    waits: z
      .boolean()
      .optional()
      .describe(
        'The machine waits in a pool: report on; a 401 means that it has its VM, or has ended. Default: false.',
      ),
  })
  .meta({ id: 'AgentReportReply' });
