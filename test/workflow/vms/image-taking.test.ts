/** Starts that take an image while its family goes on in a fresh history. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ImageDirectory } from '../../../api/images/image-directory.ts';
import type { ImageRecord } from '../../../domain/image/state.ts';
import { imageWorkflowId } from '../../../domain/wire-names.ts';
import { uniqueName } from '../../../test-support/workflow/api-harness.ts';
import { startVmHarness, testSpec, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';
import { keepImageUpdate } from '../../../workflows/messages.ts';
import type { runImageFamily } from '../../../workflows/image/family.ts';

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(() => harness.stop());

it('finds the image of a name whose family goes on in a fresh history at that moment', async () => {
  const { queue } = await harness.park('images that are taken');
  const name = uniqueName();
  const record: ImageRecord = {
    ...{ imageId: 'image-1', machineId: 'machine-1', origin: 'close', name: null, vm: name, provider: 'local' },
    ...{ host: null, queue, sizeBytes: null, createdAt: Date.now(), spec: testSpec(), sealed: null, signature: null },
    ...{ requestHash: null, createdBy: null },
  };
  const family = await harness.server.client.workflow.start<typeof runImageFamily>('image', {
    workflowId: imageWorkflowId('default', name, queue),
    taskQueue: queue,
    args: [{ project: 'default', family: name, historyLimitEvents: 60 }],
  });
  const now = harness.server.client.workflow.getHandle(family.workflowId);
  await now.executeUpdate(keepImageUpdate, { args: [record] });
  const directory = new ImageDirectory(harness.server.client, queue);
  const taken = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const results: unknown[] = [];
      for (let time = 0; time < 50; time += 1) {
        const one = await directory.take('default', name, name).catch((error: unknown) => error);
        if (one instanceof Error || one === undefined) results.push(one);
        else (one as { release: () => void }).release();
      }
      return results;
    }),
  );
  const { runId } = await now.describe();
  expect(runId).not.toBe(family.firstExecutionRunId);
  expect(taken.flat()).toEqual([]);
});
