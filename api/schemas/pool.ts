import { z } from 'zod';
import { nameSchema } from '../../spec/spec-fields.ts';

export const poolSchema = z
  .object({
    template: z.string().describe('Name of the template whose machines wait.'),
    version: z.int().nullable().describe('Version that new machines are made from; null before the pool knows one.'),
    min: z.int().describe('Machines that wait whatever the demand; by the schedule, where there is one.'),
    max: z.int().describe('Never more machines than this, those that are being made included.'),
    paused: z.boolean().describe('Nothing is made, and nothing waits.'),
    nextLimits: z
      .object({
        at: z.iso.datetime().describe('When they change.'),
        min: z.int().describe('`min` from then on.'),
        max: z.int().describe('`max` from then on.'),
      })
      .optional()
      .describe('When the schedule changes `min` and `max` next, and to what; absent where it does not.'),
    desired: z
      .int()
      .describe('Machines that shall wait now: as many as were claimed within a minute, within the limits.'),
    ready: z.int().describe('Machines that wait.'),
    inFlight: z.int().describe('Machines that are being made.'),
    claimed: z.int().describe('Claims that got a machine, since the pool began.'),
    missed: z.int().describe('Claims that found none: their VMs were made anew.'),
    failed: z.int().describe('Machines that never got ready.'),
    waitsFor: z.string().nullable().describe('What the pool waits for; null: for claims.'),
  })
  .meta({ id: 'Pool', description: 'Machines of one template that wait for a VM.' });
export type ApiPool = z.infer<typeof poolSchema>;

export const poolPathSchema = z.strictObject({ template: nameSchema.describe('Name of the template.') });

export const poolHistorySchema = z
  .object({
    template: z.string().describe('Name of the template whose pool it is.'),
    since: z.iso.datetime().optional().describe('From then on it is known; absent while nothing is.'),
    samples: z
      .array(
        poolSchema
          .pick({ desired: true, ready: true, inFlight: true, claimed: true, missed: true, failed: true })
          .extend({ at: z.iso.datetime().describe('From then on these are its numbers, until the next sample.') }),
      )
      .describe('The oldest first; one a minute at most, and none where nothing changed.'),
  })
  .meta({ id: 'PoolHistory', description: 'How the numbers of a pool went.' });
export type ApiPoolHistory = z.infer<typeof poolHistorySchema>;

export const poolListSchema = z
  .object({ pools: z.array(poolSchema).describe('Each pool of the project, in the order of their templates.') })
  .meta({ id: 'PoolList', description: 'The pools of a project.' });
