import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type LogEntry,
  type WorkerOptions,
} from '@temporalio/worker';
import {
  bootTaskQueueOf,
  hostMachineTaskQueue,
  machineTaskQueue,
  maintenanceTaskQueueOf,
} from '../../domain/wire-names.ts';
import { TEST_NAMESPACE } from '../../test-support/temporal-server.ts';
import { placedAt } from '../../test-support/workflow/placed-activities.ts';

/** Keeps the SDK's log off the screen; `listen` gets what the workflows say. Once a process, before any worker. */
export function installQuietRuntime(listen: (entry: LogEntry) => void = () => undefined): void {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('INFO', listen),
    telemetryOptions: { logging: { filter, console: {} } },
  });
}

/** The workflows of Ephemera as one bundle. */
export function vmWorkflowBundle(): Promise<{ code: string }> {
  return bundle('../../workflows/index.ts');
}

/** The peers' workflows as one bundle. */
export function peerWorkflowBundle(): Promise<{ code: string }> {
  return bundle('./peer-workflows.ts');
}

function bundle(path: string): Promise<{ code: string }> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(path, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
}

/** Runs what a host of `local` does for this control queue, until the returned function is called. */
export async function runBenchHost(
  address: string,
  controlTaskQueue: string,
  options: Omit<WorkerOptions, 'taskQueue'>,
  hostId?: string,
): Promise<() => Promise<void>> {
  const creates = machineTaskQueue('local', controlTaskQueue);
  const queue = hostId === undefined ? creates : hostMachineTaskQueue('local', hostId, controlTaskQueue);
  const queues = [creates, bootTaskQueueOf(queue), maintenanceTaskQueueOf(queue)];
  const activities = placedAt(queue, options.activities ?? {});
  const stops = await Promise.all(
    queues.map((taskQueue) => runBenchWorker(address, { ...options, activities, taskQueue })),
  );
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Runs a worker on a connection of its own until the returned function is called. */
export async function runBenchWorker(address: string, options: WorkerOptions): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    ...options,
    connection,
    namespace: TEST_NAMESPACE,
    shutdownGraceTime: '1s',
    shutdownForceTime: '5s',
  });
  const running = worker.run();
  return async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
    await connection.close();
  };
}
