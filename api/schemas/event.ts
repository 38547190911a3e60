import { z } from 'zod';
import { EVENT_KINDS } from '../../domain/outbox/event.ts';
import { TIMEOUT_LIMITS } from '../../domain/timeouts.ts';
import { positionIn, type StreamPosition } from '../../domain/outbox/position.ts';
import { nameSchema } from '../../spec/spec-fields.ts';
import { END_REASON_TEXT, EVENT_KIND_TEXT, VM_STATE_TEXT } from './explanations.ts';
import { END_REASONS } from '../../domain/vm/state.ts';
import { vmStateSchema } from './vm.ts';

export const eventKindSchema = z.enum(EVENT_KINDS).describe(EVENT_KIND_TEXT).meta({ id: 'EventKind' });

const optionalText = z.string().optional();

/** One event, in a stream and in a webhook alike. */
export const eventSchema = z
  .object({
    id: z.string().describe('`<uid>.<number>`: the same wherever and how often it is told.'),
    number: z.int().describe('Counts up through one life of a name; in a timeline it has the same number.'),
    kind: eventKindSchema,
    at: z.iso.datetime().describe('When it happened.'),
    vm: z.string().describe('Name of the VM.'),
    uid: z.string().describe('The life of the name.'),
    template: optionalText.describe('Template of the VM; absent without one.'),
    state: vmStateSchema.describe(`State of the VM after it. ${VM_STATE_TEXT}`),
    reason: z.enum(END_REASONS).optional().describe(END_REASON_TEXT),
    detail: optionalText.describe('One sentence more.'),
    connections: z.int().optional().describe('How many use the VM now, with `vm.connections`.'),
  })
  .meta({ id: 'Event', description: 'One thing that happened to a VM.' });

const POSITION_TEXT = '`id` of the last block that was read: the stream goes on after that. Default: from now on.';

const positionSchema = z
  .string()
  .max(64)
  .refine((text) => positionIn(text) !== undefined, 'no stream has given this id')
  .optional();

export const eventsQuerySchema = z.strictObject({
  vm: nameSchema.optional().describe('Only events of the VM of this name. Default: of all.'),
  template: nameSchema.optional().describe('Only events of VMs of this template. Default: of all.'),
  kind: z
    .array(z.enum(EVENT_KINDS))
    .max(EVENT_KINDS.length)
    .optional()
    .describe(`Only these kinds. ${EVENT_KIND_TEXT} Default: all.`),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(TIMEOUT_LIMITS.maxSeconds)
    .optional()
    .describe('The stream ends after this time. Default: when the client hangs up.'),
  lastEventId: positionSchema.meta({ description: `For clients that cannot send the header. ${POSITION_TEXT}` }),
});

export const eventsHeadersSchema = z.object({
  'last-event-id': positionSchema.meta({ description: POSITION_TEXT }),
});

export function positionOf(text: string | undefined): StreamPosition | undefined {
  return text === undefined ? undefined : positionIn(text);
}
