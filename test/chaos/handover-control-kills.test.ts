/** The control worker is killed in each step in which a warm machine becomes a VM. */
import { afterAll, beforeAll, it } from 'vitest';
import { HANDOVER_STEPS, handOverWithKill } from '../../test-support/trials/handover-steps.ts';
import { startPoolScene, type PoolScene } from '../../test-support/trials/pool-scene.ts';

let scene: PoolScene;
beforeAll(async () => {
  scene = await startPoolScene({ min: 3, max: 3, ttlSeconds: 3600 });
});
afterAll(() => scene.stop());

it.each(HANDOVER_STEPS)(
  'when %s, a kill of the control worker costs the VM nothing, and leaves it one machine',
  (step) => handOverWithKill(scene, step, scene.stack.controls[0]!),
  240_000,
);
