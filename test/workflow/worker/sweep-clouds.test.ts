/** One sweep of several clouds: what is the matter with one of them is no matter of the others. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SweepInput, SweepReport } from '../../../domain/machine/sweep.ts';
import { machineTaskQueue, maintenanceTaskQueueOf, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';

const report = (owned: number, dryRun = false): SweepReport => ({
  ...{ at: '2026-11-30T00:00:00.000Z', dryRun, owned, machines: [], lost: [] },
});

let server: TestServer;
let stopControl: () => Promise<void>;
const queue = `sweep-clouds-${randomUUID().slice(0, 8)}`;
beforeAll(async () => {
  server = await startTestServer();
  stopControl = await runWorker(server, { taskQueue: queue, workflowBundle: await workflowBundle() });
});
afterAll(async () => {
  await stopControl();
  await server.stop();
});

/** Sweeps clouds that answer like this, each by a worker of its own. */
async function swept(
  clouds: Readonly<Record<string, () => Promise<SweepReport>>>,
  { dryRun = false } = {},
): Promise<SweepReport[]> {
  const workers = Object.entries(clouds).map(([cloud, sweepMachines]) => {
    const taskQueue = maintenanceTaskQueueOf(machineTaskQueue(cloud, queue));
    return runWorker(server, { taskQueue, activities: { sweepMachines } });
  });
  const stops = await Promise.all(workers);
  const input: SweepInput = { dryRun, providers: Object.keys(clouds) };
  try {
    const options = { workflowId: `sweep/${randomUUID()}`, taskQueue: queue, args: [input] };
    return (await server.client.workflow.execute(WORKFLOW_TYPE.sweep, options)) as SweepReport[];
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
}

const down = (): Promise<never> => Promise.reject(ApplicationFailure.nonRetryable('503 of the cloud'));

describe('a sweep of two clouds', () => {
  it('sweeps one to its end while the other is down', async () => {
    let noteDown = (): void => undefined;
    const isDown = new Promise<void>((resolve) => (noteDown = resolve));
    const reports = await swept({
      azure: () => {
        noteDown();
        return down();
      },
      ec2: async () => {
        await isDown;
        // The other's failure has come to the workflow long before this.
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return report(7);
      },
    });
    expect(reports).toEqual([report(7)]);
  });

  it('has failed when every cloud is down', async () => {
    await expect(swept({ azure: down, ec2: down })).rejects.toMatchObject({
      cause: { cause: { message: '503 of the cloud' } },
    });
  });

  it('tells whoever asks what it would do that one cloud could not be looked at', async () => {
    const clouds = { azure: down, ec2: () => Promise.resolve(report(1, true)) };
    await expect(swept(clouds, { dryRun: true })).rejects.toMatchObject({
      cause: { cause: { message: '503 of the cloud' } },
    });
  });
});
