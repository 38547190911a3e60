/** A registry of its own: a control worker whose release and drain are only noted, and one host that holds leases. */
import { randomUUID } from 'node:crypto';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { HoldLeaseInput, RegistryActivities } from '../../domain/host/activities.ts';
import type { HostFacts, LeaseStatus } from '../../domain/host/state.ts';
import type { HostView } from '../../domain/host/view.ts';
import { hostTaskQueue, hostWorkflowId } from '../../domain/wire-names.ts';
import { hostReadySignal, hostViewQuery, type HostInput, type HostReady } from '../../workflows/messages.ts';
import type { runHost } from '../../workflows/host/host.ts';
import { eventually } from '../eventually.ts';
import type { TestServer } from '../temporal-server.ts';
import { runWorker, workflowBundle } from './vm-harness.ts';

/** What each heartbeat of the host says. */
export const LEASE_STATUS: LeaseStatus = { free: { cpus: 1, memoryMb: 1024, diskGb: 5 }, machines: 3 };

export interface RegistrySceneOptions {
  lostSeconds?: number;
  historyLimitEvents?: number;
  /** Comes before what the noted activity would answer. */
  before?: Partial<Record<keyof RegistryActivities, () => Promise<void>>>;
  /** Other workflows than those of today. */
  bundle?: { code: string };
}

export interface RegistryScene {
  hostId: string;
  handle: WorkflowHandle<typeof runHost>;
  /** What was asked of control workers. */
  calls: string[];
  leases: (HoldLeaseInput & { token: Uint8Array })[];
  announce: () => Promise<unknown>;
  view: () => Promise<HostView>;
  beat: () => Promise<void>;
  is: (state: HostView['state'], deadlineMs?: number) => Promise<void>;
  isLeased: (count: number) => Promise<void>;
  leave: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startRegistryScene(
  server: TestServer,
  { lostSeconds = 600, historyLimitEvents, before = {}, bundle }: RegistrySceneOptions = {},
): Promise<RegistryScene> {
  const queue = `registry-${randomUUID().slice(0, 8)}`;
  const hostId = `h-${randomUUID().slice(0, 8)}`;
  const calls: string[] = [];
  const noted = (name: keyof RegistryActivities, text: string) => async (): Promise<void> => {
    calls.push(text);
    await before[name]?.();
  };
  const activities = {
    releaseMachines: noted('releaseMachines', 'release'),
    drainHost: noted('drainHost', 'drain'),
    evictWarmMachines: noted('evictWarmMachines', 'evict'),
  };
  const workflows = bundle ?? (await workflowBundle());
  const control = await runWorker(server, { taskQueue: queue, workflowBundle: workflows, activities });
  const leases: RegistryScene['leases'] = [];
  const holdLease = (input: HoldLeaseInput): Promise<never> => {
    leases.push({ ...input, token: Context.current().info.taskToken });
    throw new CompleteAsyncError();
  };
  const host = await runWorker(server, { taskQueue: hostTaskQueue(hostId, queue), activities: { holdLease } });
  const facts: HostFacts = {
    ...{ version: '1.0.0', providers: ['local'], capacity: { cpus: 4, memoryMb: 4096, diskGb: 9 }, zone: null },
    ...{ labels: {}, address: null, fingerprint: null, lostSeconds },
  };
  const workflowId = hostWorkflowId(hostId, queue);
  const handle = server.client.workflow.getHandle<typeof runHost>(workflowId);
  const input: HostInput = {
    ...{ hostId, leastLostSeconds: 1 },
    ...(historyLimitEvents === undefined ? {} : { historyLimitEvents }),
  };
  const view = (): Promise<HostView> => handle.query(hostViewQuery);
  return {
    ...{ hostId, handle, calls, leases, view },
    announce: () =>
      server.client.workflow.signalWithStart<typeof runHost, [HostReady]>('host', {
        workflowId,
        taskQueue: queue,
        args: [input],
        signal: hostReadySignal,
        signalArgs: [{ incarnation: randomUUID(), facts }],
      }),
    beat: () => server.client.activity.heartbeat(leases.at(-1)!.token, LEASE_STATUS),
    is: (state, deadlineMs = 30_000) =>
      eventually(async () => demand((await view()).state === state, `the host is ${state}`), deadlineMs),
    isLeased: (count) => eventually(() => demand(leases.length === count, `the host has had ${count} leases`)),
    leave: () => server.client.activity.complete(leases.at(-1)!.token, LEASE_STATUS),
    stop: async () => {
      await Promise.all([control(), host()]);
    },
  };
}

/** Also used where no test runs, to record histories. */
function demand(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`not seen: ${what}`);
}
