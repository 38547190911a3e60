/** Every step of a life with every fault around it; the cells are in the folder of this name, and share three hosts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultScene } from '../../test-support/trials/fault-scene.ts';
import { describeAdoption } from './fault-matrix/adoption.ts';
import { describeCancels } from './fault-matrix/cancels.ts';
import { describeContinued } from './fault-matrix/continued.ts';
import { describeLives } from './fault-matrix/lives.ts';
import { describePower } from './fault-matrix/power.ts';

const scene = new FaultScene();
beforeAll(() => scene.start());
afterAll(() => scene.stop());

describeLives(scene);
describePower(scene);
describeAdoption(scene);
describeContinued(scene);
describeCancels(scene);

describe('afterwards', () => {
  it('only a create whose answer was lost has left a machine', async () => {
    const unexpected = async (): Promise<string[]> => {
      const vms = (await scene.machines()).map(({ labels }) => labels.vm);
      return vms.filter((vm) => !scene.mayBeLeft.has(vm));
    };
    await expect.poll(unexpected, { timeout: 20_000 }).toEqual([]);
  });

  it(
    'no machine is left, in no listing and on no disk, once its host has reconciled',
    { timeout: 60_000 },
    async () => {
      const left = async (): Promise<string[]> => {
        await scene.reconcile();
        return scene.leftovers();
      };
      await expect.poll(left, { timeout: 50_000, interval: 1000 }).toEqual([]);
    },
  );
});
