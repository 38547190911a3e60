import { createHash, randomUUID } from 'node:crypto';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { BUILT_IN_TEMPLATES } from '../../domain/templates.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import type { VmView } from '../../domain/vm-view.ts';
import { machineTaskQueues, vmWorkflowId } from '../../domain/wire-names.ts';
import { bundleWorkflows } from '../../worker/workflow-bundle.ts';
import { viewQuery, type VmInput } from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm.ts';
import { signedStart } from '../signed-start.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../temporal-server.ts';
import { MachinePark } from './machine-park.ts';

export type VmHandle = WorkflowHandleWithFirstExecutionRunId<typeof runVm>;
export type SpecChanges = Partial<Omit<VmSpec, 'idle'>> & { idle?: Partial<VmSpec['idle']> };

/** A dev server, a control worker and a park of machines, for one test file. */
export interface VmHarness {
  server: TestServer;
  /** A park of its own for one test, on a queue derived from the test's title. */
  park: (
    title: string,
  ) => Promise<{ park: MachinePark; start: StartVm; queue: string; stopWorkers: () => Promise<void> }>;
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
  const { version, ...chat } = BUILT_IN_TEMPLATES['chat']!;
  return {
    ...chat,
    provider: 'local',
    template: { name: 'chat', version },
    ...changes,
    idle: { ...chat.idle, ...idle },
  };
}

export async function startVmHarness(): Promise<VmHarness> {
  const server = await startTestServer();
  const workflowBundleOption = await workflowBundle();
  const stops: (() => Promise<void>)[] = [];
  return {
    server,
    park: async (title) => {
      const park = new MachinePark();
      const queue = `test-${createHash('sha256').update(title).digest('hex').slice(0, 8)}-${randomUUID().slice(0, 4)}`;
      const control = await runWorker(server, { taskQueue: queue, workflowBundle: workflowBundleOption });
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

/** Runs a worker until the returned function is called. Two workers need a connection each. */
export async function runWorker(server: TestServer, setup: WorkerSetup): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address: server.address });
  const worker = await Worker.create({
    shutdownGraceTime: '1s',
    shutdownForceTime: '5s',
    ...setup,
    connection,
    namespace: TEST_NAMESPACE,
  });
  const running = worker.run();
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= (async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await connection.close();
    })();
    return stopped;
  };
}

/** Runs what a host of `local` does for this control queue, until the returned function is called. */
export async function runHost(
  server: TestServer,
  controlTaskQueue: string,
  activities: object,
): Promise<() => Promise<void>> {
  const stops = await Promise.all(
    machineTaskQueues('local', controlTaskQueue).map((taskQueue) => runWorker(server, { taskQueue, activities })),
  );
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Waits until the VM's view is as wanted; a miss prints the last view. */
export async function untilView(
  handle: { query: (query: typeof viewQuery) => Promise<VmView> },
  wanted: (view: VmView) => boolean,
  deadlineMs = 20_000,
): Promise<VmView> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const view = await handle.query(viewQuery);
    if (wanted(view)) return view;
    if (Date.now() > end) throw new Error(`the VM never got there; last: ${JSON.stringify(view, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
