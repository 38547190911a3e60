/** A control worker that takes one workflow task for each grant, so that a test can stop the world between two of them. */
import type { CustomSlotSupplier, SlotPermit, WorkflowSlotInfo } from '@temporalio/worker';
import type { TestServer } from '../temporal-server.ts';
import { runWorker, workflowBundle } from './vm-harness.ts';

export interface GatedWorker {
  /** Lets this many more workflow tasks be taken; a query is one too. */
  grant: (tasks: number) => void;
  stop: () => Promise<void>;
}

/** `setup`: other workflows than Ephemera's. */
export async function runGatedWorker(
  server: TestServer,
  taskQueue: string,
  setup?: { workflowsPath: string },
): Promise<GatedWorker> {
  let granted = 0;
  const waiting: (() => void)[] = [];
  const grant = (tasks: number): void => {
    granted += tasks;
    while (granted > 0 && waiting.length > 0) {
      granted -= 1;
      waiting.shift()!();
    }
  };
  const workflowTaskSlotSupplier: CustomSlotSupplier<WorkflowSlotInfo> = {
    type: 'custom',
    reserveSlot: async (_context, aborted) => {
      if (granted > 0) granted -= 1;
      else
        await new Promise<void>((resolve) => {
          const go = (): void => {
            aborted.removeEventListener('abort', go);
            resolve();
          };
          waiting.push(go);
          aborted.addEventListener('abort', go, { once: true });
        });
      return {} satisfies SlotPermit;
    },
    tryReserveSlot: () => null,
    markSlotUsed: () => undefined,
    releaseSlot: () => undefined,
  };
  const fixed = { type: 'fixed-size', numSlots: 10 } as const;
  const stop = await runWorker(server, {
    taskQueue,
    ...(setup ?? { workflowBundle: await workflowBundle() }),
    maxCachedWorkflows: 0,
    maxConcurrentWorkflowTaskPolls: 1,
    tuner: {
      workflowTaskSlotSupplier,
      activityTaskSlotSupplier: fixed,
      localActivityTaskSlotSupplier: fixed,
      nexusTaskSlotSupplier: fixed,
    },
  });
  return { grant, stop };
}
