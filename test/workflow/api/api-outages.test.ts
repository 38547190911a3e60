import { ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;

beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

async function timed<T>(call: Promise<T>): Promise<{ answer: T; seconds: number }> {
  const startedAt = performance.now();
  const answer = await call;
  return { answer, seconds: (performance.now() - startedAt) / 1000 };
}

describe('without a worker', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi(harness.server, uniqueName('no-worker'));
  });
  afterAll(() => api.close());

  it('waiting for readiness answers 202 with the state after its time-out', async () => {
    const name = uniqueName();
    const path = '/v1/vms?wait=ready&timeoutSeconds=2';
    const { answer, seconds } = await timed(api.call('POST', path, { body: { name, template: 'chat' } }));
    expect([answer.status, answer.body.state]).toEqual([202, 'creating']);
    expect(seconds).toBeLessThan(6);
    const again = await api.call('POST', path, { body: { name, template: 'chat' } });
    expect([again.status, again.body.uid]).toEqual([202, answer.body.uid]);
  });

  it('a VM is listed, shown and told to end all the same, and nothing hangs', async () => {
    const name = uniqueName();
    const made = await api.call('POST', '/v1/vms', { body: { name, template: 'chat' } });
    expect(made.status).toBe(201);
    const shown = await api.call('GET', `/v1/vms/${name}`);
    expect(shown.body).toMatchObject({ name, state: 'creating', uid: made.body.uid });
    const listed = await api.call('GET', '/v1/vms?fresh=true');
    expect(listed.body.vms.map((vm) => vm.name)).toContain(name);
    const held = await timed(api.call('POST', `/v1/vms/${name}/hold`, { body: { seconds: 60 } }));
    expect(held.answer.status).toBe(202);
    const destroyed = await timed(api.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=1`));
    expect(destroyed.answer.status).toBe(202);
    const timeline = await timed(api.call('GET', `/v1/vms/${name}/timeline`));
    expect([timeline.answer.status, timeline.answer.body.events]).toEqual([200, []]);
    expect(Math.max(held.seconds, destroyed.seconds, timeline.seconds)).toBeLessThan(5);
  });

  it('closing the API answers those who wait', async () => {
    const second = await startTestApi(harness.server, api.settings.temporal.controlTaskQueue, { share: api });
    const name = uniqueName();
    const waiting = timed(
      second.call('POST', '/v1/vms?wait=ready&timeoutSeconds=120', { body: { name, template: 'chat' } }),
    );
    await eventually('the VM of the waiting request', async () => {
      const { body } = await second.call('GET', '/v1/vms?pageSize=1000');
      return body.vms.find((vm) => vm.name === name);
    });
    await second.close();
    const { answer, seconds } = await waiting;
    expect(answer.status).toBe(202);
    expect(seconds).toBeLessThan(10);
  });
});

describe('a start whose reply was lost', () => {
  const loseReply = { armed: false };
  let api: TestApi;
  beforeAll(async () => {
    const { queue } = await harness.park('lost start');
    api = await startTestApi(harness.server, queue, {
      interceptors: [
        {
          startWithDetails: async (input, next) => {
            const started = await next(input);
            if (!loseReply.armed) return started;
            loseReply.armed = false;
            throw new ServiceError('reply lost', { cause: new Error('connection cut') });
          },
        },
      ],
    });
  });
  afterAll(() => api.close());

  it('comes out as the same VM, named or not', async () => {
    for (const name of [uniqueName(), undefined]) {
      const body = { ...(name === undefined ? {} : { name }), template: 'chat', labels: { lost: uniqueName() } };
      loseReply.armed = true;
      const made = await api.call('POST', '/v1/vms', { body });
      expect(loseReply.armed).toBe(false);
      expect([200, 201]).toContain(made.status);
      const label = `lost=${body.labels.lost}`;
      const { body: listed } = await api.call('GET', `/v1/vms?label=${label}`);
      expect(listed.vms.map((vm) => vm.uid)).toEqual([made.body.uid]);
    }
  });
});

describe('without Temporal', () => {
  it('lists are still answered, everything else says so quickly, and all goes on when it is back', async () => {
    const { queue } = await harness.park('temporal away');
    const api = await startTestApi(harness.server, queue);
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    await harness.server.kill();
    const fresh = await startTestApi(harness.server, queue, { share: api, waitUntilReady: false });
    try {
      const listed = await api.call('GET', '/v1/vms?pageSize=1000');
      expect(listed.body.vms.map((vm) => vm.name)).toContain(name);
      const refused = await Promise.all([
        timed(api.call('GET', `/v1/vms/${name}`)),
        timed(api.call('DELETE', `/v1/vms/${name}`)),
        timed(api.call('POST', '/v1/vms', { body: { name: uniqueName(), template: 'chat' } })),
      ]);
      for (const { answer, seconds } of refused) {
        expect([answer.status, answer.body.code]).toEqual([503, 'temporalUnavailable']);
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(seconds).toBeLessThan(20);
      }
      expect((await fresh.call('GET', '/readyz')).body.code).toBe('notReady');
      expect((await fresh.call('GET', '/v1/vms')).body.code).toBe('notReady');
      expect((await fresh.call('GET', '/healthz')).status).toBe(200);
      await harness.server.restart();
      await eventually('the replica that started meanwhile', async () =>
        (await fresh.call('GET', '/readyz')).status === 200 ? true : undefined,
      );
      const late = await fresh.call('GET', '/v1/vms?pageSize=1000');
      expect(late.body.vms.map((vm) => vm.name)).toContain(name);
      const gone = await eventually(
        'the destroy to go through',
        async () => {
          const answer = await api.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=30`);
          return answer.status === 200 ? answer : undefined;
        },
        60_000,
      );
      expect(gone.body.state).toBe('destroyed');
    } finally {
      await fresh.close();
      await api.close();
    }
  });
});
