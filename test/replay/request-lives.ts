/** Lives of the requests of a name, driven on a real server for their histories. */
import { randomUUID } from 'node:crypto';
import type { RequestOutcome } from '../../domain/request/state.ts';
import { requestsWorkflowId, requestTaskQueue, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { runWorker, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import { acceptRequestSignal, cancelRequestSignal, requestQueueQuery } from '../../workflows/messages.ts';

type Life = (harness: VmHarness) => Promise<{ workflowId: string; runId: string }>;

const PROBLEM = { code: 'vmEnding', status: 409, title: 'ending', detail: 'it ends' };
const OUTCOMES: Readonly<Record<string, RequestOutcome>> = {
  done: { kind: 'done', result: { status: 201, vm: { name: 'lobby', uid: 'u', state: 'running' } } },
  failed: { kind: 'failed', problem: PROBLEM },
};

export const REQUEST_LIVES: Readonly<Record<string, Life>> = {
  'requests-done-put-off-failed-expired-and-cancelled': async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const workflowId = requestsWorkflowId('default', name, queue);
    const putOff = new Set<string>();
    const doRequest = ({ id }: { id: string }): Promise<RequestOutcome> => {
      if (putOff.has(id)) return Promise.resolve(OUTCOMES[id] ?? { kind: 'putOff', problem: PROBLEM });
      putOff.add(id);
      return Promise.resolve({ kind: 'putOff', problem: PROBLEM });
    };
    const stop = await runWorker(harness.server, { taskQueue: requestTaskQueue(queue), activities: { doRequest } });
    const handle = harness.server.client.workflow.getHandle(workflowId);
    try {
      for (const [id, seconds] of [
        ['done', 60],
        ['failed', 60],
        ['late', 6],
        ['cancelled', 60],
      ] as const) {
        const at = Date.now();
        await harness.server.client.workflow.signalWithStart(WORKFLOW_TYPE.requests, {
          ...{ workflowId, taskQueue: queue, args: [{ project: 'default', name }], signal: acceptRequestSignal },
          signalArgs: [
            {
              ...{ id, operation: 'createVm', createdBy: 'key', sealed: 'v1.none', fingerprint: id },
              ...{ acceptedAt: at, expiresAt: at + seconds * 1000 },
            },
          ],
        });
      }
      await handle.signal(cancelRequestSignal, { id: 'cancelled' });
      for (;;) {
        const { requests } = await handle.query(requestQueueQuery);
        if (requests.length === 4 && requests.every(({ endedAt }) => endedAt !== undefined)) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { runId } = await handle.describe();
      return { workflowId, runId };
    } finally {
      await stop();
    }
  },
};
