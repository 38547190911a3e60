/** Lives of webhooks, driven on a real server for their histories. */
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { CollectInput, CollectResult, SendInput } from '../../domain/webhook/activities.ts';
import { testMessage } from '../../domain/webhook/message.ts';
import type { DeliveryOutcome } from '../../domain/webhook/state.ts';
import type { WebhookView } from '../../domain/webhook/view.ts';
import { webhookTaskQueue, webhookWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { runWorker, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import { enableWebhookSignal, sendMessageSignal, webhookQuery, type WebhookInput } from '../../workflows/messages.ts';

type Life = (harness: VmHarness) => Promise<{ workflowId: string; runId: string }>;

const AT = '2026-11-30T06:00:00.000Z';

/** Its first messages are refused once, then taken; a later one disables it, and it is enabled again. */
async function live(harness: VmHarness, input: Partial<WebhookInput>): ReturnType<Life> {
  const { queue } = await harness.park(randomUUID());
  const id = `wh-${randomUUID().slice(0, 8)}`;
  const workflowId = webhookWorkflowId('default', id, queue);
  let [collects, isGone] = [0, false];
  const tries = new Map<number, number>();
  const activities = {
    collectEvents: async ({ cursor }: CollectInput): Promise<CollectResult> => {
      collects += 1;
      if (collects > 3) await Context.current().cancelled.catch(() => undefined);
      const messages = ['a', 'b'].map((group) => ({ ...testMessage(`${group}${collects}`, AT), group }));
      return { messages: collects > 3 ? [] : messages, cursor };
    },
    sendMessages: ({ messages }: SendInput): Promise<DeliveryOutcome[]> =>
      Promise.resolve(
        messages.map(({ number }) => {
          tries.set(number, (tries.get(number) ?? 0) + 1);
          if (isGone) return { number, delivered: false, status: 410, gone: true };
          return { number, delivered: (tries.get(number) ?? 0) > 1, status: 500 };
        }),
      ),
  };
  const stop = await runWorker(harness.server, { taskQueue: webhookTaskQueue(queue), activities });
  const start = { ...{ project: 'default', id, filter: {}, description: null }, createdBy: 'key', sealed: 'v1.none' };
  const { client } = harness.server;
  const handle = await client.workflow.start(WORKFLOW_TYPE.webhook, {
    ...{ workflowId, taskQueue: queue, args: [{ start, ...input }] },
  });
  const current = client.workflow.getHandle(workflowId);
  const until = async (check: (view: WebhookView) => boolean): Promise<void> => {
    while (!check(await current.query(webhookQuery))) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  try {
    await until(({ pending, attempts }) => attempts.length >= 6 && pending === 0);
    isGone = true;
    await current.signal(sendMessageSignal, testMessage('asked', AT));
    await until(({ state }) => state === 'disabled');
    isGone = false;
    await current.signal(enableWebhookSignal);
    await until(({ state, pending }) => state === 'active' && pending === 0);
    return { workflowId, runId: handle.firstExecutionRunId };
  } finally {
    await stop();
  }
}

export const WEBHOOK_LIVES: Readonly<Record<string, Life>> = {
  'webhook-refused-taken-disabled-and-enabled': (harness) => live(harness, {}),
  'webhook-continued-as-new': (harness) => live(harness, { historyLimitEvents: 40 }),
};
