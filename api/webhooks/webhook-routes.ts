import { randomBytes } from 'node:crypto';
import { rangesOf } from '../../lib/network/public-address.ts';
import { eventMessage, testMessage } from '../../domain/webhook/message.ts';
import type { WebhookView } from '../../domain/webhook/view.ts';
import type { ApiKeyHolder } from '../../security/keys/api-keys.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import {
  createdWebhookSchema,
  createWebhookSchema,
  eventIdParts,
  redeliverSchema,
  sentSchema,
  webhookListSchema,
  webhookPathSchema,
  webhookSchema,
  type ApiWebhook,
} from '../schemas/webhook.ts';
import { allowedAddresses, TargetRefused } from './target.ts';

const TAG = 'Events';
/** Each asks for what happens, and may be slow. */
const MOST_OF_PROJECT = 20;
const ID_CHARACTERS = 16;
const LOCATION = { Location: 'Path of the webhook, whose `attempts` show what comes of it.' };

export const createWebhookRoute = keyedRoute({
  method: 'post',
  path: '/v1/webhooks',
  operationId: 'createWebhook',
  tag: TAG,
  summary: 'Have an endpoint told what happens',
  description:
    'Events of the project, from now on, are posted to the URL, signed as Standard Webhooks says (docs/webhooks.md): each at ' +
    'least once, those of one VM in their order. `secret` of the answer verifies them, and is shown this once.',
  access: 'operator',
  body: createWebhookSchema,
  replies: { 201: { description: 'It is told from now on.', schema: createdWebhookSchema } },
  errors: ['webhookTargetRefused', 'tooManyWebhooks', 'temporalUnavailable'],
  handle: async ({ project, caller, body, auditTarget }, api) => {
    const { url, description = null, vm, template, kinds } = body;
    await refuseTarget(api, url);
    const id = `wh-${randomBytes(ID_CHARACTERS / 2).toString('hex')}`;
    auditTarget({ webhook: id });
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    const view = await api.webhooks.createUpTo(MOST_OF_PROJECT, {
      ...{ project, id, description, createdBy: caller.id, at: api.now() },
      filter: {
        ...(vm === undefined ? {} : { vm }),
        ...(template === undefined ? {} : { template }),
        ...(kinds === undefined ? {} : { kinds }),
      },
      sealed: api.sealedWebhooks.seal(api.webhooks.workflowId(project, id), { url, secret }),
      disabledAfterSeconds: api.settings.api.webhooks.disabledAfterSeconds,
    });
    if (view === undefined) {
      throw new ApiProblem('tooManyWebhooks', `The project has ${MOST_OF_PROJECT} webhooks already`);
    }
    return { status: 201, body: { ...presented(api, view, caller), secret } };
  },
});

export const listWebhooksRoute = keyedRoute({
  method: 'get',
  path: '/v1/webhooks',
  operationId: 'listWebhooks',
  tag: TAG,
  summary: 'List the webhooks of the project',
  access: 'viewer',
  replies: { 200: { description: 'Up to a second old.', schema: webhookListSchema } },
  errors: ['temporalUnavailable'],
  handle: async ({ project, caller }, api) => {
    const webhooks = (await api.webhooks.list(project)).map((view) => presented(api, view, caller));
    for (const webhook of webhooks) delete webhook.attempts;
    return { status: 200, body: { webhooks } };
  },
});

export const getWebhookRoute = keyedRoute({
  method: 'get',
  path: '/v1/webhooks/{id}',
  operationId: 'getWebhook',
  tag: TAG,
  summary: 'Look at a webhook and its last messages',
  access: 'viewer',
  params: webhookPathSchema,
  replies: { 200: { description: 'The webhook as it is now.', schema: webhookSchema } },
  errors: ['unknownWebhook', 'temporalUnavailable'],
  handle: async ({ project, params: { id }, caller }, api) => ({
    status: 200,
    body: presented(api, await found(api, project, id), caller),
  }),
});

export const deleteWebhookRoute = keyedRoute({
  method: 'delete',
  path: '/v1/webhooks/{id}',
  operationId: 'deleteWebhook',
  tag: TAG,
  summary: 'Tell an endpoint nothing more',
  description: 'What waits for it is not sent any more; a message that is on its way may still arrive.',
  access: 'operator',
  params: webhookPathSchema,
  replies: { 204: { description: 'It is gone.' } },
  errors: ['unknownWebhook', 'temporalUnavailable'],
  handle: async ({ project, params: { id }, caller }, api) => {
    await found(api, project, id);
    if (!(await api.webhooks.remove(project, id, caller.id))) throw unknownWebhook(id);
    return { status: 204 };
  },
});

export const enableWebhookRoute = keyedRoute({
  method: 'post',
  path: '/v1/webhooks/{id}/enable',
  operationId: 'enableWebhook',
  tag: TAG,
  summary: 'Go on with a webhook that was disabled',
  description:
    'It gets what waited for it, and what has happened since, as far as that is kept. One that is not disabled stays as it is.',
  access: 'operator',
  params: webhookPathSchema,
  replies: { 202: { description: 'The webhook as it was last seen.', schema: webhookSchema, headers: LOCATION } },
  errors: ['unknownWebhook', 'temporalUnavailable'],
  handle: async ({ project, params: { id }, caller }, api) => {
    const view = await found(api, project, id);
    await api.webhooks.enable(project, id);
    return { status: 202, body: presented(api, view, caller), headers: { location: pathOf(id) } };
  },
});

export const testWebhookRoute = keyedRoute({
  method: 'post',
  path: '/v1/webhooks/{id}/test',
  operationId: 'testWebhook',
  tag: TAG,
  summary: 'Send a message that says nothing but that it comes',
  description: 'Its `type` is `webhook.test`. A webhook that is disabled sends none.',
  access: 'operator',
  params: webhookPathSchema,
  replies: { 202: { description: 'It is sent.', schema: sentSchema, headers: LOCATION } },
  errors: ['unknownWebhook', 'temporalUnavailable'],
  handle: async ({ project, params: { id } }, api) => {
    await found(api, project, id);
    const eventId = `test_${randomBytes(8).toString('hex')}`;
    await api.webhooks.send(project, id, testMessage(eventId, new Date(api.now()).toISOString()));
    return { status: 202, body: { eventId }, headers: { location: pathOf(id) } };
  },
});

export const redeliverRoute = keyedRoute({
  method: 'post',
  path: '/v1/webhooks/{id}/redeliver',
  operationId: 'redeliverEvent',
  tag: TAG,
  summary: 'Send an event again',
  description:
    'Also one that was delivered, or that the webhook does not ask for; it waits for no other message. One of the last 20 of ' +
    'its VM. A webhook that is disabled sends none.',
  access: 'operator',
  params: webhookPathSchema,
  body: redeliverSchema,
  replies: { 202: { description: 'It is sent.', schema: sentSchema, headers: LOCATION } },
  errors: ['unknownWebhook', 'unknownEvent', 'notReady', 'temporalUnavailable'],
  handle: async ({ project, params: { id }, body: { eventId } }, api) => {
    await found(api, project, id);
    if (!api.outbox.follows) {
      throw new ApiProblem('notReady', 'The events are being read', { headers: { 'retry-after': '1' } });
    }
    const { uid, number } = eventIdParts(eventId);
    const event = api.outbox.find(project, uid, number);
    if (event === undefined)
      throw new ApiProblem('unknownEvent', `The event ${eventId} is not kept any more, or never was`);
    await api.webhooks.send(project, id, eventMessage(event));
    return { status: 202, body: { eventId }, headers: { location: pathOf(id) } };
  },
});

function pathOf(id: string): string {
  return `/v1/webhooks/${id}`;
}

async function found(api: ApiContext, project: string, id: string): Promise<WebhookView> {
  const view = await api.webhooks.find(project, id);
  if (view === undefined) throw unknownWebhook(id);
  return view;
}

function unknownWebhook(id: string): ApiProblem {
  return new ApiProblem('unknownWebhook', `There is no webhook ${id} in the project of this key`);
}

/** @throws ApiProblem `webhookTargetRefused`. It is looked at again before each message. */
async function refuseTarget(api: ApiContext, url: string): Promise<void> {
  try {
    await allowedAddresses(new URL(url), rangesOf(api.settings.api.webhooks.privateTargets));
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    throw new ApiProblem('webhookTargetRefused', `The URL is refused: ${error.message}`);
  }
}

function presented(api: ApiContext, view: WebhookView, { role }: ApiKeyHolder): ApiWebhook {
  const {
    sealed,
    project,
    filter,
    ...shown
  }: Partial<Pick<WebhookView, 'updatedAt'>> & Omit<WebhookView, 'updatedAt'> = {
    ...view,
  };
  delete shown.updatedAt;
  const target = api.sealedWebhooks.open(api.webhooks.workflowId(project, view.id), sealed);
  const url = target === undefined ? '' : role === 'viewer' ? `${new URL(target.url).origin}/…` : target.url;
  const { vm, template, kinds } = filter;
  return {
    ...{ ...shown, url },
    ...(vm === undefined ? {} : { vm }),
    ...(template === undefined ? {} : { template }),
    ...(kinds === undefined ? {} : { kinds: [...kinds] }),
  };
}
