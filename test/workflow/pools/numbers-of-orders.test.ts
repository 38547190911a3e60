/** Orders of templates as anyone with a CLI may send them: numbered so high that no real one would ever count again. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { sceneOf } from '../../../test-support/workflow/pool-scene.ts';
import { runWorker, startVmHarness, untilView, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';
import { rollOverSignal } from '../../../workflows/messages.ts';

const HIGHEST = Number.MAX_SAFE_INTEGER;
let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(() => harness.stop());

it('a VM that was told by a forged order hears its template all the same', async () => {
  const { start } = await harness.park(randomUUID());
  const vm = await start({ template: { name: 'chat', version: 1 } });
  await untilView(vm, ({ state }) => state === 'running');
  await vm.signal(rollOverSignal, { below: 2, revision: HIGHEST });
  await untilView(vm, ({ newerVersion }) => newerVersion === 2);
  await vm.signal(rollOverSignal, { below: 0, revision: Date.now() + 1 });
  const view = await untilView(vm, ({ newerVersion }) => newerVersion === undefined);
  expect(view.state).toBe('running');
  await vm.signal('destroy');
  await vm.result();
});

it('a pool that was configured by a forged message hears its template all the same, and no older one', async () => {
  const { queue } = await harness.park(randomUUID());
  const stop = await runWorker(harness.server, {
    taskQueue: queue,
    activities: createPoolActivities(() => Promise.resolve([])),
  });
  const { configure } = sceneOf(harness.server, queue);
  const warm = { min: 0, max: 5, ttlSeconds: 600 };
  const pool = await configure({ version: 7, revision: HIGHEST, warm });
  await pool.until({ version: 7 });
  const revision = Date.now() + 1;
  await configure({ version: 8, revision, warm });
  await pool.until({ version: 8 });
  await configure({ version: 6, revision: revision - 60_000, warm });
  expect((await pool.view()).version).toBe(8);
  await configure({ version: 9, revision: revision + 1, warm: null });
  await pool.handle.result();
  await stop();
});
