import { type WorkflowClientInterceptor } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { TEST_NAMESPACE } from '../../../test-support/temporal-server.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import {
  runHost,
  runWorker,
  startVmHarness,
  workflowBundle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;
let park: FakeMachines;
let queue: string;
let start: Awaited<ReturnType<VmHarness['park']>>['start'];
let api: TestApi;
/** Runs once, after the API has described a VM and before its signal goes out. */
let beforeSignal: (() => Promise<void>) | undefined;

/** What the API asked Temporal. */
let asked: string[] = [];

const interceptor: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => (asked.push('start'), next(input)),
  describe: (input, next) => (asked.push('describe'), next(input)),
  query: (input, next) => (asked.push('query'), next(input)),
  signal: async (input, next) => {
    const meanwhile = beforeSignal;
    beforeSignal = undefined;
    await meanwhile?.();
    await next(input);
  },
};

beforeAll(async () => {
  harness = await startVmHarness();
  ({ park, queue, start } = await harness.park('api next life'));
  api = await startTestApi(harness.server, queue, { interceptors: [interceptor] });
});
afterAll(async () => {
  park.broken.clear();
  await api.close();
  await harness.stop();
});

const chat = (name: string, more: object = {}) => ({ name, template: 'chat', ...more });
const create = (body: object, query = '', headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.call('POST', `/v1/vms${query}`, { body, headers });

/** A VM that was ready and is being destroyed, for as long as the test wants. */
async function dyingVm(more: object = {}, headers: Record<string, string> = {}): Promise<ApiAnswer['body']> {
  park.broken.add('destroyMachine');
  const made = await create({ template: 'chat', ...more }, '?wait=ready&timeoutSeconds=20', headers);
  expect(made.status).toBe(201);
  const told = await api.call('DELETE', `/v1/vms/${made.body.name}`);
  expect([told.status, told.body.state]).toEqual([202, 'destroying']);
  return made.body;
}

describe('a create whose name has a VM that is being destroyed', () => {
  it('waits for the end and starts the next life, whatever its spec', async () => {
    for (const [query, state] of [
      ['', 'creating'],
      ['?wait=ready&timeoutSeconds=30', 'running'],
    ]) {
      const name = uniqueName();
      const first = await dyingVm({ name });
      const next = create(chat(name, { cpus: 2 }), query);
      await new Promise((resolve) => setTimeout(resolve, 100));
      park.broken.clear();
      const { status, body } = await next;
      expect([status, body.state, body.spec.cpus]).toEqual([201, state, 2]);
      expect(body.uid).not.toBe(first.uid);
    }
  });

  it('is refused with vmEnding when the machine is not gone in time, with and without a wait', async () => {
    const name = uniqueName();
    const first = await dyingVm({ name });
    const startedAt = performance.now();
    const answers = await Promise.all([create(chat(name)), create(chat(name), '?wait=ready&timeoutSeconds=1')]);
    expect(performance.now() - startedAt).toBeLessThan(9000);
    for (const { status, headers, body } of answers) {
      expect([status, body.code, body.vm?.uid, body.vm?.state]).toEqual([409, 'vmEnding', first.uid, 'destroying']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    park.broken.clear();
  });

  it('is one next life for 50 callers at once', async () => {
    const name = uniqueName();
    const first = await dyingVm({ name });
    const creates = Array.from({ length: 50 }, () => create(chat(name), '?wait=ready&timeoutSeconds=60'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    park.broken.clear();
    const answers = await Promise.all(creates);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 49 }, () => 200), 201]);
    const uids = new Set(answers.map(({ body }) => body.uid));
    expect(uids.size).toBe(1);
    expect(uids).not.toContain(first.uid);
  });

  it('answers at once with that VM when it repeats the create of it by Idempotency-Key, named or not', async () => {
    for (const named of [{ name: uniqueName() }, {}]) {
      const key = { 'idempotency-key': uniqueName('key') };
      const first = await dyingVm(named, key);
      for (const query of ['', '?wait=ready']) {
        const again = await create({ template: 'chat', ...named }, query, key);
        expect([again.status, again.body.uid, again.body.state]).toEqual([200, first.uid, 'destroying']);
      }
      const other = await create({ template: 'chat', ...named, cpus: 3 }, '', key);
      expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
    }
    park.broken.clear();
  });

  it('gets the same VM back when a lost machine of it is only replaced', async () => {
    const name = uniqueName();
    const made = await create(chat(name, { onLost: 'recreate' }), '?wait=ready&timeoutSeconds=20');
    park.broken.add('destroyMachine');
    await harness.server.client.workflow
      .getHandle(made.body.workflowId)
      .signal('machineLost', { machineId: made.body.machineId });
    await eventually('the loss', async () => {
      const { body } = await api.call('GET', `/v1/vms/${name}?fresh=true`);
      return body.state === 'destroying' ? body : undefined;
    });
    const again = await create(chat(name, { onLost: 'recreate' }));
    expect([again.status, again.body.uid]).toEqual([200, made.body.uid]);
    const ready = create(chat(name, { onLost: 'recreate' }), '?wait=ready&timeoutSeconds=30');
    park.broken.clear();
    const { status, body } = await ready;
    expect([status, body.uid, body.state]).toEqual([200, made.body.uid, 'running']);
    expect(body.machineId).not.toBe(made.body.machineId);
  });
});

describe('a create whose name has a live VM', () => {
  it('asks Temporal twice and the workflow not at all', async () => {
    const name = uniqueName();
    await create(chat(name), '?wait=ready&timeoutSeconds=20');
    for (const query of ['', '?wait=ready']) {
      asked = [];
      const again = await create(chat(name), query);
      expect([again.status, asked]).toEqual([200, ['start', 'describe']]);
    }
  });
});

describe('a DELETE that was answered', () => {
  it('is known to every create that follows, on another replica and before the workflow has heard of it', async () => {
    const own = await harness.park('unheard delete');
    const replicas = [await startTestApi(harness.server, own.queue)];
    replicas.push(await startTestApi(harness.server, own.queue, { share: replicas[0]! }));
    const [here, there] = replicas;
    const stops: (() => Promise<void>)[] = [];
    try {
      const name = uniqueName();
      const body = chat(name);
      const first = await here!.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { body });
      await own.stopWorkers();
      expect((await here!.call('DELETE', `/v1/vms/${name}`)).status).toBe(202);
      const early = await there!.call('POST', '/v1/vms?wait=ready&timeoutSeconds=1', { body });
      expect([early.status, early.body.code]).toEqual([409, 'vmEnding']);
      const next = there!.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body });
      stops.push(await runWorker(harness.server, { taskQueue: own.queue, workflowBundle: await workflowBundle() }));
      stops.push(await runHost(harness.server, own.queue, own.park.activities()));
      const second = await next;
      expect([second.status, second.body.state]).toEqual([201, 'running']);
      expect(second.body.uid).not.toBe(first.body.uid);
    } finally {
      await there!.close();
      await here!.close();
      await Promise.all(stops.map((stop) => stop()));
    }
  });

  it('is known to the create that follows also when a worker died with a task of the VM in its hands', async () => {
    const own = await harness.park('delete behind a dead worker');
    const replica = await startTestApi(harness.server, own.queue);
    try {
      const name = uniqueName();
      const body = chat(name);
      const first = await replica.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { body });
      await own.stopWorkers();
      const { client } = harness.server;
      await client.workflow.getHandle(first.body.workflowId).signal('connections', 1);
      const request = { namespace: TEST_NAMESPACE, taskQueue: { name: own.queue }, identity: 'dies with it' };
      const take = () => client.workflowService.pollWorkflowTaskQueue(request);
      const taken = await client.withDeadline(Date.now() + 30_000, take);
      expect(taken.workflowExecution?.workflowId).toBe(first.body.workflowId);
      expect((await replica.call('DELETE', `/v1/vms/${name}`)).status).toBe(202);
      const soon = await replica.call('POST', '/v1/vms', { body });
      expect([soon.status, soon.body.code]).toEqual([503, 'temporalUnavailable']);
      const late = await replica.call('POST', '/v1/vms?wait=ready&timeoutSeconds=15', { body });
      expect([late.status, late.body.code]).toEqual([409, 'vmEnding']);
    } finally {
      await replica.close();
    }
  });

  it('with the next create right behind it never hands out the VM that it ends', async () => {
    const name = uniqueName();
    let previous = await create(chat(name), '?wait=ready&timeoutSeconds=20');
    for (let round = 0; round < 10; round += 1) {
      expect((await api.call('DELETE', `/v1/vms/${name}`)).status).toBe(202);
      const next = await create(chat(name), '?wait=ready&timeoutSeconds=20');
      expect([next.status, next.body.state]).toEqual([201, 'running']);
      expect(next.body.uid).not.toBe(previous.body.uid);
      previous = next;
    }
  });
});

/** Ends the VM of a name and starts its next life. */
async function replaceLife(name: string): Promise<string> {
  const ending = harness.server.client.workflow.getHandle(vmWorkflowId('default', name));
  await ending.signal('destroy');
  await ending.result();
  const next = await create(chat(name), '?wait=ready&timeoutSeconds=30');
  expect(next.status).toBe(201);
  return next.body.uid;
}

describe('a request that comes late, when its name has another life', () => {
  it('leaves that life alone: DELETE says that the one it meant has ended', async () => {
    for (const query of ['', '?wait=destroyed&timeoutSeconds=5']) {
      const name = uniqueName();
      const first = await create(chat(name), '?wait=ready&timeoutSeconds=20');
      let secondUid = '';
      beforeSignal = async () => void (secondUid = await replaceLife(name));
      const late = await api.call('DELETE', `/v1/vms/${name}${query}`);
      expect([late.status, late.body.uid, late.body.state]).toEqual([200, first.body.uid, 'destroyed']);
      const shown = await api.call('GET', `/v1/vms/${name}?fresh=true`);
      expect([shown.body.uid, shown.body.state]).toEqual([secondUid, 'running']);
    }
  });

  it('leaves that life alone: drain and hold are refused as for a VM that has ended', async () => {
    for (const [action, body] of [
      ['drain', undefined],
      ['hold', { seconds: 60 }],
    ] as const) {
      const name = uniqueName();
      await create(chat(name), '?wait=ready&timeoutSeconds=20');
      beforeSignal = async () => {
        await replaceLife(name);
      };
      const late = await api.call('POST', `/v1/vms/${name}/${action}`, body === undefined ? {} : { body });
      expect([late.status, late.body.code]).toEqual([409, 'actionNotAllowed']);
      const shown = await api.call('GET', `/v1/vms/${name}?fresh=true`);
      expect([shown.body.state, shown.body.aliveBecause]).toEqual(['running', 'firstConnectGrace']);
    }
  });

  it('is refused when it names the uid that it means: DELETE ?uid=', async () => {
    const name = uniqueName();
    const first = await create(chat(name), '?wait=ready&timeoutSeconds=20');
    const second = await replaceLife(name);
    const late = await api.call('DELETE', `/v1/vms/${name}?uid=${first.body.uid}&wait=destroyed`);
    expect([late.status, late.body.code, late.body.vm?.uid]).toEqual([409, 'otherLife', second]);
    const meant = await api.call('DELETE', `/v1/vms/${name}?uid=${second}&wait=destroyed&timeoutSeconds=20`);
    expect([meant.status, meant.body.uid, meant.body.state]).toEqual([200, second, 'destroyed']);
  });
});

describe('DELETE ?wait=destroyed', () => {
  it('follows its life into a run that began after it was asked', async () => {
    const vm = await start({}, { historyLimitEvents: 25 });
    const { client } = harness.server;
    const name = vm.workflowId.split('/').at(-1)!;
    await eventually('the VM running', async () => {
      const { body } = await api.call('GET', `/v1/vms/${name}`);
      return body.state === 'running' ? body : undefined;
    });
    beforeSignal = async () => {
      const runId = async () => (await client.workflow.getHandle(vm.workflowId).describe()).runId;
      for (let count = 1; (await runId()) === vm.firstExecutionRunId; count += 1) {
        await client.workflow.getHandle(vm.workflowId).signal('connections', count);
      }
    };
    const gone = await api.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=20`);
    expect([gone.status, gone.body.state, gone.body.uid]).toEqual([200, 'destroyed', vm.firstExecutionRunId]);
    expect(gone.body.runId).not.toBe(vm.firstExecutionRunId);
  });
});
