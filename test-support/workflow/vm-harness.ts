import { createHash, randomUUID } from 'node:crypto';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { lanesOfHost } from '../../domain/capacity/create-lanes.ts';
import type { VmView } from '../../domain/vm/view.ts';
import {
  bootTaskQueueOf,
  createTaskQueue,
  hostMachineTaskQueue,
  machineTaskQueue,
  maintenanceTaskQueueOf,
  vmWorkflowId,
} from '../../domain/wire-names.ts';
import { FEW_POLLS } from '../../worker/host/polls.ts';
import { bundleWorkflows } from '../../worker/temporal/workflow-bundle.ts';
import { viewQuery, type VmInput } from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { signedStart } from '../signed-start.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../temporal-server.ts';
import { FakeMachines } from './fake-machines.ts';
import { placedAt } from './placed-activities.ts';

export type VmHandle = WorkflowHandleWithFirstExecutionRunId<typeof runVm>;
export type SpecChanges = Partial<Omit<VmSpec, 'idle'>> & { idle?: Partial<VmSpec['idle']> };

/** A dev server, a control worker and a park of machines, for one test file. */
export interface VmHarness {
  server: TestServer;
  /** A park of its own for one test, on a queue derived from the test's title. `bundle`: other workflows than those of today. */
  park: (
    title: string,
    bundle?: { code: string },
  ) => Promise<{ park: FakeMachines; start: StartVm; queue: string; stopWorkers: () => Promise<void> }>;
  stop: () => Promise<void>;
}
type StartVm = (changes?: SpecChanges, input?: Partial<VmInput>, memo?: Record<string, unknown>) => Promise<VmHandle>;

Runtime.install({ logger: new DefaultLogger('ERROR') });

let bundle: Promise<{ code: string }> | undefined;

/** The workflow bundle, made once a process. */
export function workflowBundle(): Promise<{ code: string }> {
  bundle ??= bundleWorkflows({ debug: () => undefined, warn: (message) => process.stderr.write(`${message}\n`) });
  return bundle;
}

export function testSpec({ idle, ...changes }: SpecChanges = {}): VmSpec {
  const chat = chatTemplateSpec('local');
  return { ...chat, ...changes, idle: { ...chat.idle, ...idle } };
}

export async function startVmHarness(): Promise<VmHarness> {
  const server = await startTestServer();
  const workflowBundleOption = await workflowBundle();
  const stops: (() => Promise<void>)[] = [];
  return {
    server,
    park: async (title, ownBundle = workflowBundleOption) => {
      const park = new FakeMachines();
      const queue = `test-${createHash('sha256').update(title).digest('hex').slice(0, 8)}-${randomUUID().slice(0, 4)}`;
      const control = await runWorker(server, { taskQueue: queue, workflowBundle: ownBundle });
      const host = await runHost(server, queue, park.activities());
      const stopWorkers = async (): Promise<void> => {
        await Promise.all([control(), host()]);
      };
      stops.push(stopWorkers);
      return { park, queue, stopWorkers, start: startVm(server, queue) };
    },
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await server.stop();
    },
  };
}

function startVm(server: TestServer, queue: string): StartVm {
  return (changes, input, memo) => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    return server.client.workflow.start<typeof runVm>('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue: queue,
      args: [signedStart({ project: 'default', name, spec: testSpec(changes), ...input })],
      ...(memo === undefined ? {} : { memo }),
    });
  };
}

type WorkerSetup = Omit<WorkerOptions, 'connection' | 'namespace'>;

/** Runs a worker until the returned function is called. Two busy workers need a connection each. */
export async function runWorker(server: TestServer, setup: WorkerSetup): Promise<() => Promise<void>> {
  return runWorkers(server, [setup]);
}

/** Runs workers on one connection. */
async function runWorkers(server: TestServer, setups: readonly WorkerSetup[]): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address: server.address });
  const workers = await Promise.all(
    setups.map((setup) =>
      Worker.create({
        shutdownGraceTime: '1s',
        shutdownForceTime: '5s',
        // Workflows run in this thread: each worker would load the SDK and the bundle once more into one of its own.
        debugMode: true,
        ...setup,
        connection,
        namespace: TEST_NAMESPACE,
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= (async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await connection.close();
    })();
    return stopped;
  };
}

/**
 * Runs what a host of `local` does for this control queue, until the returned function is called. It takes creates of every
 * size, from wherever they wait. `hostId`: its machines have their place on queues of its own; else, as those of the only
 * host, on the queues of the provider, which every host serves for what nobody knows the host of.
 */
export async function runHost(
  server: TestServer,
  controlTaskQueue: string,
  activities: object,
  hostId?: string,
): Promise<() => Promise<void>> {
  const creates = machineTaskQueue('local', controlTaskQueue);
  const queue = hostId === undefined ? creates : hostMachineTaskQueue('local', hostId, controlTaskQueue);
  const placed = placedAt(queue, activities);
  const lanes = lanesOfHost(null).map((lane) => createTaskQueue('local', lane, controlTaskQueue));
  const places = [...new Set([creates, queue])];
  const setups = [[creates], places.map(bootTaskQueueOf), places.map(maintenanceTaskQueueOf), lanes];
  const stops = await Promise.all(
    setups.map((taskQueues) =>
      runWorkers(
        server,
        taskQueues.map((taskQueue) => ({ taskQueue, activities: placed, ...FEW_POLLS })),
      ),
    ),
  );
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Waits until the VM's view is as wanted; a miss prints the last view. */
export async function untilView(
  handle: { query: (query: typeof viewQuery) => Promise<VmView> },
  wanted: (view: VmView) => boolean,
  deadlineMs = 40_000,
): Promise<VmView> {
  const begun = Date.now();
  for (;;) {
    const view = await handle.query(viewQuery);
    if (wanted(view)) return view;
    const waitedMs = Date.now() - begun;
    if (waitedMs > deadlineMs) throw new Error(`the VM never got there; last: ${JSON.stringify(view, null, 1)}`);
    // Each look is a workflow task: who waits long asks less often.
    await new Promise((resolve) => setTimeout(resolve, waitedMs < 1000 ? 50 : 150));
  }
}
