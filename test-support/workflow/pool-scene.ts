/** Pools and the VMs that claim from them, on real local machines, for tests of the workflows without the API. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { pino } from 'pino';
import { createMachineActivities } from '../../activities/machine/machine-activities.ts';
import { reconcileMachines } from '../../activities/machine/sweep/sweep-machines.ts';
import { buildVmServer } from '../../commands/start/build-vm-server.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { PlacementKind } from '../../domain/machine/placement-kind.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { SecretInput } from '../../domain/machine/sealed-input.ts';
import type { SweepReport } from '../../domain/machine/sweep.ts';
import type { PoolTemplate } from '../../domain/pool/state.ts';
import type { PoolView } from '../../domain/pool/view.ts';
import { warmSpecOf } from '../../domain/pool/warm-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { poolWorkflowId, vmWorkflowId, warmWorkflowId } from '../../domain/wire-names.ts';
import { createLocalProvider } from '../../providers/local/local-provider.ts';
import { AgentLinks } from '../../worker/links/agent-links.ts';
import { temporalVmSignals } from '../../worker/links/vm-signals.ts';
import { temporalVmLedger } from '../../worker/temporal/temporal-vm-ledger.ts';
import {
  claimUpdate,
  configurePoolSignal,
  poolViewQuery,
  type Adoptable,
  type PoolInput,
} from '../../workflows/messages.ts';
import type { runPool } from '../../workflows/pool/pool.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { eventually } from '../eventually.ts';
import { checkedStarts, signatureFor, signedStart } from '../signed-start.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import { runHost, runWorker, testSpec, workflowBundle, type VmHandle } from './vm-harness.ts';

export interface PoolServer {
  server: TestServer;
  /** A control worker and a host of its own. */
  scene: (aroundActivities?: (activities: MachineActivities) => object) => Promise<PoolScene>;
  stop: () => Promise<void>;
}

export interface PoolScene {
  provider: MachineProvider;
  queue: string;
  /** Tells the pool of a template, and starts it where it is not there. */
  configure: (changes?: Partial<PoolTemplate>, input?: Partial<PoolInput>) => Promise<Pool>;
  /**
   * `signedFor`: the machine that it may have by the API's signature, where that is another one. `endsAtOnce`: it is destroyed
   * before it did anything.
   */
  startVm: (asked?: {
    machineId?: string | null;
    spec?: VmSpec;
    secret?: SecretInput;
    signedFor?: string;
    endsAtOnce?: boolean;
    placement?: PlacementKind;
  }) => Promise<VmHandle>;
  /** What a host does with each sweep, a minute from now. */
  sweep: () => Promise<SweepReport>;
  stop: () => Promise<void>;
}

export interface Pool {
  name: string;
  handle: WorkflowHandle<typeof runPool>;
  view: () => Promise<PoolView>;
  /** Waits until the pool is as wanted. */
  until: (wanted: Partial<PoolView>, ms?: number) => Promise<PoolView>;
  /** The machines of the requests, in their order. */
  claim: (...ids: string[]) => Promise<(string | null)[]>;
}

const { signal } = new AbortController();

/** What a template has pooled when a test says nothing else. */
export const POOLED: VmSpec = testSpec({ maxLifetimeSeconds: 600 });

export async function startPoolServer(): Promise<PoolServer> {
  const server = await startTestServer();
  const vmServerFile = await buildVmServer();
  const bundle = await workflowBundle();
  const stops: (() => Promise<void>)[] = [];
  return {
    server,
    scene: async (aroundActivities = (activities) => activities) => {
      const queue = `pool-${randomUUID().slice(0, 8)}`;
      const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
      const about = { stateDir, deployment: queue, hostId: 'host', vmServerFile, agentTransport: 'unix' } as const;
      const provider = createLocalProvider(about);
      const signals = temporalVmSignals(server.client);
      const links = new AgentLinks({ provider, signals, log: pino({ level: 'silent' }) });
      const activities = createMachineActivities({ provider, links, issueBootstrap: null, ...checkedStarts() });
      const control = await runWorker(server, { taskQueue: queue, workflowBundle: bundle });
      const host = await runHost(server, queue, aroundActivities(activities));
      const stop = async (): Promise<void> => {
        await Promise.all([control(), host()]);
        await links.stop(100);
        for (const { machineId } of await provider.list({ signal })) await provider.destroy(machineId, { signal });
        await rm(stateDir, { recursive: true, force: true });
      };
      stops.push(stop);
      return { ...sceneOf(server, queue), provider, sweep: () => sweep(server, queue, { provider, links }), stop };
    },
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await server.stop();
    },
  };
}

/** The part that needs no machine. */
export function sceneOf(
  { client }: Pick<TestServer, 'client'>,
  queue: string,
  name = `chat-${randomUUID().slice(0, 8)}`,
): Pick<PoolScene, 'queue' | 'configure' | 'startVm'> {
  const workflowId = poolWorkflowId('default', name, queue);
  return {
    queue,
    configure: async (changes = {}, input = {}) => {
      const spec = changes.spec ?? POOLED;
      const signature = signatureFor({ workflowId, spec: warmSpecOf(spec) });
      const warm = { min: 1, max: 5, ttlSeconds: 600 };
      const template: PoolTemplate = { name, version: 1, spec, reuse: 'none', warm, signature, ...changes };
      const handle = await client.workflow.signalWithStart<typeof runPool, [{ template: PoolTemplate }]>('pool', {
        ...{ workflowId, taskQueue: queue, args: [{ project: 'default', template: name, ...input }] },
        ...{ signal: configurePoolSignal, signalArgs: [{ template }] },
      });
      return poolOf(name, client.workflow.getHandle<typeof runPool>(handle.workflowId));
    },
    startVm: async ({ machineId = null, spec = POOLED, secret, signedFor, endsAtOnce = false, placement } = {}) => {
      const vm = `vm-${randomUUID().slice(0, 8)}`;
      const id = vmWorkflowId('default', vm);
      const adoption = machineId === null ? {} : { adopt: adoptable(id, spec, machineId, signedFor) };
      const input = signedStart(
        { project: 'default', name: vm, spec, ...adoption, ...(placement === undefined ? {} : { placement }) },
        secret ?? null,
      );
      const start = { workflowId: id, taskQueue: queue, args: [input] as [typeof input] };
      if (!endsAtOnce) return client.workflow.start<typeof runVm>('vm', start);
      const begun = await client.workflow.signalWithStart<typeof runVm>('vm', { ...start, signal: 'destroy' });
      return { ...begun, firstExecutionRunId: begun.signaledRunId };
    },
  };
}

function adoptable(workflowId: string, spec: VmSpec, machineId: string, adopts = machineId): Adoptable {
  return { machineId, owner: warmWorkflowId(machineId), signature: signatureFor({ workflowId, spec, adopts }) };
}

function poolOf(name: string, handle: WorkflowHandle<typeof runPool>): Pool {
  const view = (): Promise<PoolView> => handle.query(poolViewQuery);
  return {
    ...{ name, handle, view },
    until: async (wanted, ms = 20_000) => {
      let last = await view();
      await eventually(async () => {
        last = await view();
        if (Object.entries(wanted).some(([field, value]) => last[field as keyof PoolView] !== value)) {
          throw new Error(`the pool is ${JSON.stringify(last)}`);
        }
      }, ms);
      return last;
    },
    claim: async (...ids) => {
      const args: [{ requests: { id: string }[] }] = [{ requests: ids.map((id) => ({ id })) }];
      const { grants } = await handle.executeUpdate(claimUpdate, { args });
      return grants.map(({ machineId }) => machineId);
    },
  };
}

function sweep(
  { client }: TestServer,
  queue: string,
  { provider, links }: { provider: MachineProvider; links: AgentLinks },
): Promise<SweepReport> {
  const about = { provider: 'local', host: 'host', controlTaskQueue: queue };
  const ledger = temporalVmLedger({ client, signals: temporalVmSignals(client), ...about });
  const warn = (message: string, { error }: { error: unknown }): void => console.warn(message, error);
  return reconcileMachines({ provider, links, ledger, now: () => Date.now() + 60_000 }, { signal, warn });
}
