/** The lease as a host's worker holds it. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newHost, type HostFacts } from '../../../domain/host/state.ts';
import { hostTaskQueue, hostWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { LEASE_STATUS } from '../../../test-support/workflow/registry-scene.ts';
import { runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import { HostLease } from '../../../worker/host/lease/host-lease.ts';
import type { runHost } from '../../../workflows/host/host.ts';
import { hostReadySignal, hostViewQuery } from '../../../workflows/messages.ts';

let server: TestServer;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await server.stop();
});

it('a host takes its lease from its own workflow alone: another one would hold off its fence while it counts as lost', async () => {
  const controlTaskQueue = `lease-${randomUUID().slice(0, 8)}`;
  const hostId = `h-${randomUUID().slice(0, 8)}`;
  const nothing = (): Promise<void> => Promise.resolve();
  const activities = { releaseMachines: nothing, drainHost: nothing, evictWarmMachines: nothing };
  stops.push(
    await runWorker(server, { taskQueue: controlTaskQueue, workflowBundle: await workflowBundle(), activities }),
  );
  const facts: HostFacts = {
    ...{ version: '1.0.0', providers: ['local'], capacity: LEASE_STATUS.free, zone: null, labels: {} },
    ...{ address: null, fingerprint: null, lostSeconds: 600 },
  };
  let taken = 0;
  const lease = new HostLease({
    ...{ client: server.client, hostId, controlTaskQueue, facts, log: pino({ level: 'silent' }) },
    status: () => Promise.resolve(LEASE_STATUS),
    gate: { pause: () => undefined, resume: () => void (taken += 1) },
    reconcile: () => Promise.resolve(),
    onAnnouncing: () => Promise.resolve(),
    onRenewed: () => undefined,
  });
  const taskQueue = hostTaskQueue(hostId, controlTaskQueue);
  stops.push(await runWorker(server, { taskQueue, activities: { ...lease.activities() } }));
  lease.start();
  stops.push(() => lease.leave());
  await eventually(() => expect(taken).toBe(1));

  const present = { ...newHost(hostId, Date.now()), facts, lease: 1_000_000 };
  const liar = await server.client.workflow.start<typeof runHost>('host', {
    ...{ workflowId: hostWorkflowId('liar', controlTaskQueue), taskQueue: controlTaskQueue },
    args: [{ hostId, resume: { ...present, presence: { name: 'present', since: Date.now() } } }],
  });
  await eventually(async () => expect(await liar.query(hostViewQuery)).toMatchObject({ state: 'away' }));
  expect(taken).toBe(1);
  await liar.terminate();

  // Somebody who may write to Temporal says that it is lost sooner than its own fence believes.
  const registry = server.client.workflow.getHandle<typeof runHost>(hostWorkflowId(hostId, controlTaskQueue));
  const { incarnation } = await registry.query(hostViewQuery);
  const forged = { ...facts, lostSeconds: 15, address: '192.0.2.1:7401' };
  await registry.signal(hostReadySignal, { incarnation: 'forged', facts: { ...forged, lostSeconds: 1 } });
  await registry.signal(hostReadySignal, { incarnation, facts: forged });
  await eventually(() => expect(taken).toBeGreaterThanOrEqual(3));
  await eventually(async () =>
    expect(await registry.query(hostViewQuery)).toMatchObject({ address: null, incarnation }),
  );
});
