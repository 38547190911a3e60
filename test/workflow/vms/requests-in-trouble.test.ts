/** Requests for later whose replica, whose Temporal or whose name's other users come between. */
import { randomUUID } from 'node:crypto';
import { ServiceError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestSchema, type ApiRequest } from '../../../api/schemas/request.ts';
import type { AcceptedRequest, RequestOutcome } from '../../../domain/request/state.ts';
import type { RequestQueueView } from '../../../domain/request/view.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { requestsWorkflowId, requestTaskQueue, vmWorkflowId } from '../../../domain/wire-names.ts';
import { startTestApi, eventually, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { imageScene } from '../../../test-support/workflow/image-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { runWorker, startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';
import { acceptRequestSignal, requestQueueQuery, viewQuery } from '../../../workflows/messages.ts';
import type { runRequests } from '../../../workflows/request/requests.ts';

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(() => harness.stop());

describe('a request that was done while Temporal did not answer', () => {
  /** From when a message for a VM was sent, the replica cannot look at VMs. */
  const blind = { armed: false, now: false };
  let api: TestApi;
  let queue: string;
  let park: FakeMachines;
  let stopKeeping: () => Promise<void>;
  beforeAll(async () => {
    ({ queue, park } = await harness.park('requests in trouble'));
    stopKeeping = await imageScene(harness.server, queue, park).startKeeping();
    const sent = <Result>(result: Result): Result => {
      blind.now = blind.now || blind.armed;
      return result;
    };
    api = await startTestApi(harness.server, queue, {
      interceptors: [
        {
          startUpdate: async (input, next) => sent(await next(input)),
          signal: async (input, next) => {
            await next(input);
            if (input.workflowExecution.workflowId.startsWith('vm/')) sent(undefined);
          },
          describe: async (input, next) => {
            if (!blind.now) return next(input);
            throw new ServiceError('no answer', { cause: new Error('connection cut') });
          },
        },
      ],
    });
  });
  afterAll(async () => {
    await api.close();
    await stopKeeping();
  });

  async function later(method: string, path: string, body?: object, of = api): Promise<ApiRequest> {
    const headers = { prefer: 'respond-async' };
    const answer = await of.call(method, path, { headers, ...(body === undefined ? {} : { body }) });
    expect(answer.status, answer.text).toBe(202);
    return requestSchema.parse(JSON.parse(answer.text));
  }
  const closedVm = async (name: string): Promise<void> => {
    await eventually(`${name} is closed`, async () => {
      const { status } = await harness.server.client.workflow.getHandle(vmWorkflowId('default', name)).describe();
      return status.name !== 'RUNNING' || undefined;
    });
  };
  const endOf = (request: ApiRequest): Promise<ApiRequest> =>
    eventually(`the end of ${request.id}`, async () => {
      const { status, text } = await api.call('GET', `/v1/requests/${request.id}`);
      const now = status === 200 ? requestSchema.parse(JSON.parse(text)) : undefined;
      return now?.endedAt === undefined ? undefined : now;
    });
  const putOff = (name: string): Promise<true> =>
    eventually('the replica has given up a look', async () => {
      const handle = harness.server.client.workflow.getHandle(requestsWorkflowId('default', name, queue));
      const { raw } = await handle.describe();
      const view = await handle.query(requestQueueQuery);
      const tries = raw.pendingActivities?.[0]?.attempt ?? 1;
      return tries > 1 || view.requests.some(({ waitsFor }) => waitsFor !== undefined) || undefined;
    });

  it('is done: a close that came to its end meanwhile is no failure', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    blind.armed = true;
    const close = await later('POST', `/v1/vms/${name}/close`);
    await closedVm(name);
    await putOff(name);
    blind.armed = blind.now = false;
    const { state, problem, result } = await endOf(close);
    expect({ state, problem, vm: result?.vm?.state }).toEqual({ state: 'done', problem: undefined, vm: 'destroyed' });
  });

  it('ends the life that it was about, and not the one that somebody made of the name meanwhile', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    blind.armed = true;
    const destroy = await later('DELETE', `/v1/vms/${name}`);
    await closedVm(name);
    await putOff(name);
    const other = await startTestApi(harness.server, queue, { share: api });
    const made = await other.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    expect(made.status, made.text).toBe(201);
    blind.armed = blind.now = false;
    const { state, problem } = await endOf(destroy);
    const now = await other.call('GET', `/v1/vms/${name}`);
    await other.close();
    expect({ state, problem, uid: now.body.uid, vm: now.body.state }).toEqual({
      ...{ state: 'done', problem: undefined, uid: made.body.uid, vm: 'running' },
    });
  });

  const ready = async (name: string, of = api): Promise<string> => {
    const made = await of.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    expect(made.status, made.text).toBe(201);
    return made.body.machineId ?? '';
  };
  /** Ids of the images that were made of a machine. */
  const imagesOf = (machineId: string): string[] =>
    [...park.images].filter(([, of]) => of === machineId).map(([imageId]) => imageId);
  const stopsOf = (machineId: string): number =>
    park.calls.filter((call) => call.name === 'stopMachine' && call.machineId === machineId).length;
  const viewOf = (name: string): Promise<VmView> =>
    harness.server.client.workflow.getHandle(vmWorkflowId('default', name)).query(viewQuery);

  it('is done: a snapshot that was made meanwhile is the one, and no second one is made', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    blind.armed = true;
    const snapshot = await later('POST', `/v1/vms/${name}/snapshot`, { imageName: `golden-${name}` });
    await eventually(`${name} runs again`, async () => {
      const { state, startedFrom } = await viewOf(name);
      return (state === 'running' && startedFrom === 'stopped') || undefined;
    });
    await putOff(name);
    blind.armed = blind.now = false;
    const { problem, result } = await endOf(snapshot);
    const [imageId] = imagesOf(machineId);
    expect({ problem, result }).toEqual({
      problem: undefined,
      result: {
        ...{ status: 200, vm: { name, uid: (await viewOf(name)).uid, state: 'running' } },
        image: { name: `golden-${name}`, imageId },
      },
    });
    expect([imagesOf(machineId).length, stopsOf(machineId)]).toEqual([1, 1]);
  });

  it('is done: the image is the answer also when its VM has ended meanwhile, and another one has its name', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    blind.armed = true;
    const snapshot = await later('POST', `/v1/vms/${name}/snapshot`, {});
    await eventually('the image', () => Promise.resolve(imagesOf(machineId).length === 1 || undefined));
    await putOff(name);
    await harness.server.client.workflow.getHandle(vmWorkflowId('default', name)).signal('destroy');
    await closedVm(name);
    const other = await startTestApi(harness.server, queue, { share: api });
    const nextMachineId = await ready(name, other);
    await other.close();
    blind.armed = blind.now = false;
    const { problem, result } = await endOf(snapshot);
    expect([problem, result?.vm?.state, result?.image?.imageId]).toEqual([
      ...[undefined, 'destroyed', imagesOf(machineId)[0]],
    ]);
    expect([imagesOf(nextMachineId), stopsOf(nextMachineId)]).toEqual([[], 0]);
  });
});

describe('a snapshot whose replica leaves while the image is made', () => {
  it('is made once, and the next replica waits for it and names it', async () => {
    const { queue, park } = await harness.park('a snapshot and a replica that leaves');
    const stopKeeping = await imageScene(harness.server, queue, park).startKeeping();
    // Its files outlast both replicas, and it does no requests of theirs.
    const keeper = await startTestApi(harness.server, `${queue}-keeper`);
    const first = await startTestApi(harness.server, queue, { share: keeper });
    const name = uniqueName();
    const made = await first.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    park.broken.add('makeImage');
    const path = `/v1/vms/${name}/snapshot`;
    const asked = await first.call('POST', path, { body: { imageName: name }, headers: { prefer: 'respond-async' } });
    expect(asked.status, asked.text).toBe(202);
    const { id } = requestSchema.parse(JSON.parse(asked.text));
    await eventually('the image is being made', async () => {
      const { body } = await first.call('GET', `/v1/vms/${name}`);
      return body.state === 'imaging' || undefined;
    });
    const second = await startTestApi(harness.server, queue, { share: keeper });
    await first.close();
    const { workflow } = harness.server.client;
    await eventually('the second replica is at it', async () => {
      const { raw } = await workflow.getHandle(requestsWorkflowId('default', name, queue)).describe();
      return (raw.pendingActivities?.[0]?.attempt ?? 1) > 1 || undefined;
    });
    park.broken.delete('makeImage');
    const done = await eventually(`the end of ${id}`, async () => {
      const { text } = await second.call('GET', `/v1/requests/${id}`);
      const now = requestSchema.parse(JSON.parse(text));
      return now.endedAt === undefined ? undefined : now;
    });
    expect([done.problem, done.result?.vm?.state]).toEqual([undefined, 'running']);
    expect([...park.images]).toEqual([[done.result?.image?.imageId, made.body.machineId]]);
    expect([done.result?.image?.name, park.countOf('stopMachine')]).toEqual([name, 1]);
    await second.close();
    await keeper.close();
    await stopKeeping();
  });
});

describe('the requests of a name', () => {
  const accepted = (id: string, seconds = 3600): AcceptedRequest => ({
    ...{ id, operation: 'createVm', createdBy: 'operator', sealed: 'x', fingerprint: id },
    ...{ acceptedAt: Date.now(), expiresAt: Date.now() + seconds * 1000 },
  });
  const begin = (queue: string, name: string, requests: AcceptedRequest[], historyLimitEvents?: number) =>
    harness.server.client.workflow.signalWithStart<typeof runRequests, [AcceptedRequest]>('requests', {
      workflowId: requestsWorkflowId('default', name, queue),
      taskQueue: queue,
      args: [{ project: 'default', name, ...(historyLimitEvents === undefined ? {} : { historyLimitEvents }) }],
      signal: acceptRequestSignal,
      signalArgs: [requests[0]!],
    });
  const DONE: RequestOutcome = { kind: 'done', result: { status: 200, vm: null } };

  it('go on in a fresh history while one follows the other without a pause', async () => {
    const { queue } = await harness.park('requests without a pause');
    const name = uniqueName();
    const all = Array.from({ length: 18 }, (_, index) => accepted(`${name}.${index}`));
    const handle = await begin(queue, name, all, 40);
    for (const request of all.slice(1)) await handle.signal(acceptRequestSignal, request);
    const order: string[] = [];
    const stop = await runWorker(harness.server, {
      taskQueue: requestTaskQueue(queue),
      activities: {
        doRequest: ({ id }: { id: string }) => {
          order.push(id);
          return Promise.resolve(DONE);
        },
      },
    });
    const now = harness.server.client.workflow.getHandle(handle.workflowId);
    await eventually('all are done', async () => {
      const view: RequestQueueView = await now.query(requestQueueQuery);
      return view.requests.filter(({ state }) => state === 'done').length === all.length || undefined;
    });
    await stop();
    expect(order).toEqual(all.map(({ id }) => id));
    const first = harness.server.client.workflow.getHandle(handle.workflowId, handle.signaledRunId);
    const { events } = await first.fetchHistory();
    const begun = events?.filter(({ activityTaskScheduledEventAttributes: task }) => task != null).length ?? 0;
    expect(begun).toBeLessThan(all.length);
  });

  it('are begun in their time or never, and one that was begun goes on with another replica after it', async () => {
    const { queue } = await harness.park('requests of a replica that leaves');
    const name = uniqueName();
    const request = accepted(`${name}.${randomUUID().slice(0, 8)}`, 5);
    const handle = await begin(queue, name, [request]);
    let tries = 0;
    const doRequest = (): Promise<RequestOutcome> => {
      tries += 1;
      if (tries === 1)
        return Promise.reject(ApplicationFailure.create({ message: 'the replica leaves', nextRetryDelay: '2s' }));
      return Promise.resolve(DONE);
    };
    const setup = { taskQueue: requestTaskQueue(queue), activities: { doRequest } };
    const stop = await runWorker(harness.server, setup);
    await eventually('it is begun', () => Promise.resolve(tries === 1 || undefined));
    await stop();
    await eventually('its time to begin is long over', () =>
      Promise.resolve(Date.now() > request.expiresAt + 7000 || undefined),
    );
    const stopAgain = await runWorker(harness.server, setup);
    const ended = await eventually('its end', async () => {
      const view: RequestQueueView = await handle.query(requestQueueQuery);
      return view.requests.find(({ endedAt }) => endedAt !== undefined);
    });
    await stopAgain();
    expect({ state: ended.state, problem: ended.problem, tries }).toEqual({
      state: 'done',
      problem: undefined,
      tries: 2,
    });
  });
});
