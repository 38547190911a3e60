import { z } from 'zod';
import { EVENT_KINDS } from '../../domain/outbox/event.ts';
import { ATTEMPTS_KEPT } from '../../domain/webhook/state.ts';
import { WEBHOOK_STATES, type WebhookState } from '../../domain/webhook/view.ts';
import { choice } from '../../spec/choice.ts';
import { nameSchema } from '../../spec/spec-fields.ts';
import { eventKindSchema } from './event.ts';
import { EVENT_KIND_TEXT } from './explanations.ts';

const WEBHOOK_ID = /^wh-[0-9a-z]{16}$/;
const EVENT_ID = /^([A-Za-z0-9-]{1,64})\.([1-9]\d{0,9})$/;
const MAX_URL_CHARACTERS = 2000;

const STATE_TEXT = choice<WebhookState>('How it goes.', {
  active: 'it is told what happens',
  failing: 'it did not take its last messages; they are sent again',
  disabled: 'it took nothing for days, or said that it takes nothing any more; it is told nothing until it is enabled',
});

export const webhookPathSchema = z.strictObject({
  id: z.string().regex(WEBHOOK_ID, 'not an id of a webhook').meta({ description: '`id` of the webhook.' }),
});

const urlSchema = z
  .string()
  .max(MAX_URL_CHARACTERS)
  .refine(isPlainUrl, 'must be an https:// URL without a user, a password or a fragment')
  .describe('Where messages are posted to. Its path may be a secret: it is kept sealed.');

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}

export const createWebhookSchema = z
  .strictObject({
    url: urlSchema,
    kinds: z
      .array(z.enum(EVENT_KINDS))
      .min(1)
      .max(EVENT_KINDS.length)
      .optional()
      .describe(`Only these kinds of events. ${EVENT_KIND_TEXT} Default: all.`),
    vm: nameSchema.optional().describe('Only events of the VM of this name. Default: of all.'),
    template: nameSchema.optional().describe('Only events of VMs of this template. Default: of all.'),
    description: z.string().max(200).optional().describe('What it is for. Default: nothing is said.'),
  })
  .meta({ id: 'NewWebhook' });

export const redeliverSchema = z
  .strictObject({
    eventId: z.string().regex(EVENT_ID, 'not an id of an event').describe('`id` of the event.'),
  })
  .meta({ id: 'Redelivery' });

export function eventIdParts(eventId: string): { uid: string; number: number } {
  const [, uid = '', number = ''] = EVENT_ID.exec(eventId) ?? [];
  return { uid, number: Number(number) };
}

const attemptSchema = z.object({
  eventId: z.string().describe('`id` of the event.'),
  kind: z.string().describe('Kind of the event; `webhook.test` for a test, `vm.gap` for events that are lost.'),
  at: z.iso.datetime().describe('When it was sent.'),
  number: z.int().describe('Which try of this message, from 1.'),
  delivered: z.boolean().describe('Whether it was taken: any status from 200 to 299.'),
  status: z.int().optional().describe('Status of the answer; absent where there was none.'),
  detail: z.string().optional().describe('What went wrong.'),
});

export const webhookSchema = z
  .object({
    id: z.string().describe('What its path and the log of changes call it.'),
    url: z.string().describe('Where messages go. A viewer sees its host alone.'),
    kinds: z
      .array(eventKindSchema)
      .optional()
      .meta({ description: `Kinds of events that it is told; absent: all. ${EVENT_KIND_TEXT}` }),
    vm: z.string().optional().describe('The VM whose events it is told; absent: all.'),
    template: z.string().optional().describe('The template of whose VMs it is told; absent: all.'),
    description: z.string().optional().describe('What it is for.'),
    state: z.enum(WEBHOOK_STATES).describe(STATE_TEXT),
    detail: z.string().optional().describe('Why it fails, or was disabled.'),
    pending: z.int().describe('Messages that it is still to get.'),
    failingSince: z.iso.datetime().optional().describe('Since when it took nothing; absent while it takes messages.'),
    nextAttemptAt: z.iso
      .datetime()
      .optional()
      .describe('When it is tried again; absent where nothing waits for a time.'),
    disabledAt: z.iso.datetime().optional().describe('When it was disabled; absent while it is not.'),
    lostBefore: z.iso
      .datetime()
      .optional()
      .describe('Ends of VMs from before may be missing: no replica of the API was there. Absent: nothing is.'),
    lastDeliveredAt: z.iso.datetime().optional().describe('When a message was taken last; absent: never.'),
    createdAt: z.iso.datetime().describe('When it was made: it is told what happens from then on.'),
    createdBy: z.string().describe('Id of the API key that made it.'),
    attempts: z
      .array(attemptSchema)
      .optional()
      .describe(`The last ${ATTEMPTS_KEPT} messages that were sent, the newest first; absent in lists.`),
  })
  .meta({ id: 'Webhook', description: 'An endpoint that is told what happens to the VMs of a project.' });

export const createdWebhookSchema = webhookSchema
  .extend({ secret: z.string().describe('By which its messages are verified. Shown this once.') })
  .meta({ id: 'CreatedWebhook' });

export const webhookListSchema = z
  .object({ webhooks: z.array(webhookSchema).describe('Those of the project, the oldest first.') })
  .meta({ id: 'WebhookList' });

export const sentSchema = z
  .object({ eventId: z.string().describe('What is sent: `attempts` of the webhook shows what comes of it.') })
  .meta({ id: 'SentMessage' });

export type ApiWebhook = z.input<typeof webhookSchema>;
