/** Worker, host and API are killed while warm machines become VMs. Three kinds of process die for real, which takes its time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { eventually, seeVm, type Part } from '../../test-support/stack.ts';
import { startPoolScene, withKey, type PoolScene } from '../../test-support/trials/pool-scene.ts';

let scene: PoolScene;
beforeAll(async () => {
  scene = await startPoolScene({ min: 3, max: 3, ttlSeconds: 3600 });
});
afterAll(() => scene.stop());

/** Creates one after the other, and in their midst the part is killed and started again; then asks once more for each. */
async function createAround(killed: Part, betweenMs: number): Promise<string[]> {
  const keys = Array.from({ length: 4 }, withKey);
  const first = keys.map(async (headers, at) => {
    await sleep(at * betweenMs);
    return scene.create(headers).catch(() => undefined);
  });
  await sleep(3.5 * betweenMs);
  await killed.kill();
  await Promise.all(first);
  await killed.start();
  const vms = await Promise.all(keys.map((headers) => scene.create(headers)));
  return vms.map(({ name }) => name);
}

it('a part that is killed in the midst of handovers costs nobody a VM, gives no machine to two, and leaves none behind', async () => {
  const { stack, untilFull, isWarm } = scene;
  onTestFailed(async () => console.log(await stack.logs()));
  const vms: VmView[] = [];
  for (const killed of [stack.worker, stack.controls[0]!, stack.apis[0]!]) {
    for (const betweenMs of [10, 60]) {
      await untilFull(3);
      for (const name of await createAround(killed, betweenMs))
        vms.push(await seeVm(stack, name, 'running', ({ state }) => state === 'running'));
    }
  }
  const machineIds = vms.map(({ machineId }) => machineId);
  expect(new Set(machineIds).size).toBe(24);
  expect(vms.filter(({ startedFrom }) => startedFrom === 'warm').length).toBeGreaterThan(3);
  await Promise.all(vms.map(({ name }) => stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`)));
  // Of claims that nobody came back for some wait until their time is over; each has a workflow that sees to it.
  await eventually(stack, 'no machine without a warm workflow that runs', async () =>
    (await Promise.all((await stack.machines()).map(isWarm))).every(Boolean) ? true : undefined,
  );
}, 240_000);
