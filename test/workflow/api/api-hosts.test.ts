import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostWorkflowId } from '../../../domain/wire-names.ts';
import type { runHost } from '../../../workflows/host/host.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { startTestApi, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startLeasedHost, type LeasedHost } from '../../../test-support/workflow/leased-host.ts';
import { runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';

const QUEUE = `hosts-${randomUUID().slice(0, 8)}`;
let server: TestServer;
let api: TestApi;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
  const nothing = (): Promise<void> => Promise.resolve();
  const activities = { releaseMachines: nothing, drainHost: nothing, evictWarmMachines: nothing };
  stops.push(await runWorker(server, { taskQueue: QUEUE, workflowBundle: await workflowBundle(), activities }));
  api = await startTestApi(server, QUEUE);
});
afterAll(async () => {
  await api.close();
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
});

/** A host that holds its lease and has so many machines. */
async function host(machines = 0, queue = QUEUE): Promise<LeasedHost> {
  const started = await startLeasedHost(server, { queue, machines });
  stops.push(started.stop);
  return started;
}

const as = (role: 'viewer' | 'operator' | 'admin') => ({ key: api.keys[role] });

describe('while every host of a provider is away', () => {
  it('a create is refused with when to ask again, or waits in its queue where it prefers that', async () => {
    const queue = `hosts-${randomUUID().slice(0, 8)}`;
    const activities = { releaseMachines: () => Promise.resolve(), drainHost: () => Promise.resolve() };
    stops.push(await runWorker(server, { taskQueue: queue, workflowBundle: await workflowBundle(), activities }));
    let laterMs = 0;
    const alone = await startTestApi(server, queue, { share: api, now: () => Date.now() + laterMs });
    try {
      const make = (headers: Record<string, string> = {}) =>
        alone.call('POST', '/v1/vms', { body: { name: `vm-${randomUUID().slice(0, 8)}`, template: 'chat' }, headers });
      const { leave, hostId } = await host(0, queue);
      const stateNow = async () => {
        const { hosts } = JSON.parse((await alone.call('GET', '/v1/hosts')).text) as { hosts: { state: string }[] };
        return hosts.map(({ state }) => state);
      };
      await eventually(async () => expect(await stateNow()).toEqual(['ready']));
      await leave();
      await eventually(async () => expect(await stateNow()).toEqual(['away']));
      // It may just be restarted, and creates wait for that.
      expect((await make()).status).toBe(201);
      laterMs = 20_000;
      const refused = await make();
      expect([refused.status, refused.body.code]).toEqual([503, 'providerUnavailable']);
      expect(refused.headers.get('retry-after')).toBe('10');
      expect(refused.body.detail).toContain(hostId);
      const kept = await make({ prefer: 'respond-async' });
      expect(kept.status, kept.text).toBe(202);
      const look = async () => (await alone.call('GET', kept.headers.get('location') ?? '')).text;
      await eventually(async () =>
        expect(JSON.parse(await look())).toMatchObject({
          ...{ state: 'queued', waitsFor: expect.stringMatching(/^providerUnavailable: /) as string },
        }),
      );
      // The host is back.
      laterMs = 0;
      await eventually(async () => expect((JSON.parse(await look()) as { state: string }).state).toBe('running'));
    } finally {
      await alone.close();
    }
  });
});

describe('the hosts of a deployment', () => {
  it('are listed with what they have and say', async () => {
    const { hostId } = await host(3);
    await eventually(async () => {
      const { status, text } = await api.call('GET', '/v1/hosts', as('viewer'));
      expect(status).toBe(200);
      const { hosts } = JSON.parse(text) as { hosts: { id: string; lastSeenAt: string }[] };
      const found = hosts.find(({ id }) => id === hostId);
      expect(found).toEqual({
        ...{
          id: hostId,
          zone: 'attic',
          labels: { disk: 'ssd' },
          state: 'ready',
          provider: ['local'],
          version: '1.2.3',
        },
        capacity: { cpus: 4, memoryMb: 4096, diskGb: 9 },
        ...{ free: { cpus: 2, memoryMb: 1024, diskGb: 5 }, machines: 3 },
        lastSeenAt: expect.any(String) as string,
      });
      expect(Math.abs(Date.parse(found!.lastSeenAt) - Date.now())).toBeLessThan(20_000);
    });
  });

  it('are cordoned, drained and uncordoned by administrators alone', async () => {
    const { path } = await host();
    for (const role of ['viewer', 'operator'] as const) {
      expect((await api.call('POST', `${path}/cordon`, as(role))).body.code).toBe('forbidden');
      expect((await api.call('DELETE', path, as(role))).body.code).toBe('forbidden');
    }
    for (const [action, state] of [
      ['cordon', 'cordoned'],
      ['drain', 'draining'],
      ['uncordon', 'ready'],
    ] as const) {
      const { status, body } = await api.call('POST', `${path}/${action}`, as('admin'));
      expect({ status, state: body.state }).toEqual({ status: 200, state });
    }
  });

  it('may be cordoned while they are away, and are removed when they have nothing', async () => {
    const { path, leave } = await host();
    await leave();
    await eventually(async () => {
      const { status, body } = await api.call('POST', `${path}/cordon`, as('admin'));
      expect({ status, state: body.state }).toEqual({ status: 200, state: 'away' });
      expect(body).toHaveProperty('lostAt');
    });
    expect((await api.call('DELETE', path, as('admin'))).status).toBe(200);
    expect((await api.call('DELETE', path, as('admin'))).body.code).toBe('hostNotFound');
  });

  it('stay while they take creates or have machines, and it is said what to do', async () => {
    const { path, hostId } = await host();
    const { status, body } = await api.call('DELETE', path, as('admin'));
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'hostInUse' });
    expect(body).toMatchObject({ detail: expect.stringContaining(`${hostId} is ready`) as string });
    expect(body).toMatchObject({ detail: expect.stringContaining('/drain') as string });
    const used = await host(1);
    expect((await api.call('POST', `${used.path}/cordon`, as('admin'))).status).toBe(200);
    expect((await api.call('DELETE', used.path, as('admin'))).body.code).toBe('hostInUse');
  });

  it('are listed, cordoned and removed although one of them says what nobody can read', async () => {
    const [good, bad] = [await host(), await host()];
    const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{no json') };
    await server.client.workflowService.recordActivityTaskHeartbeat({
      ...{ namespace: server.client.options.namespace, taskToken: bad.tokens.at(-1) ?? null },
      details: { payloads: [payload] },
    });
    await eventually(async () => {
      const { status, text } = await api.call('GET', '/v1/hosts', as('viewer'));
      expect(status).toBe(200);
      for (const { hostId } of [good, bad]) expect(text).toContain(hostId);
    });
    expect((await api.call('POST', `${bad.path}/cordon`, as('admin'))).status).toBe(200);
  });

  it('are none where a workflow of another id says that it is one', async () => {
    const { hostId } = await host();
    const liar = `liar-${randomUUID().slice(0, 8)}`;
    const handle = await server.client.workflow.start<typeof runHost>('host', {
      ...{ workflowId: hostWorkflowId(liar, QUEUE), taskQueue: QUEUE, args: [{ hostId }] },
    });
    await eventually(async () => expect((await handle.describe()).memo).toHaveProperty('host'));
    for (const [method, action] of [
      ['POST', '/cordon'],
      ['DELETE', ''],
    ] as const) {
      const { body } = await api.call(method, `/v1/hosts/${liar}${action}`, as('admin'));
      expect(body.code).toBe('hostNotFound');
    }
    await eventually(async () => {
      const { text } = await api.call('GET', '/v1/hosts', as('viewer'));
      const { hosts } = JSON.parse(text) as { hosts: { id: string; state: string }[] };
      expect(hosts.filter(({ id }) => id === hostId).map(({ state }) => state)).toEqual(['ready']);
    });
    await handle.terminate();
  });

  it('are 404 where there is none of that id, and 400 where the id is none', async () => {
    for (const [method, path] of [
      ['POST', '/v1/hosts/nobody/cordon'],
      ['POST', '/v1/hosts/nobody/uncordon'],
      ['POST', '/v1/hosts/nobody/drain'],
      ['DELETE', '/v1/hosts/nobody'],
    ] as const) {
      const { status, body } = await api.call(method, path, as('admin'));
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'hostNotFound' });
    }
    expect((await api.call('POST', "/v1/hosts/x'y/drain", as('admin'))).body.code).toBe('invalidRequest');
  });
});
