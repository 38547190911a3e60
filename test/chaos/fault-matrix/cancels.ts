/** A cancel, whatever the VM is at. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FaultScene } from '../../../test-support/trials/fault-scene.ts';
import type { ActivityName } from '../../../test-support/trials/faulty-activities.ts';
import { runHost, runWorker, untilView, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';

export function describeCancels(scene: FaultScene): void {
  describe('a cancel', () => {
    const awaits: readonly ActivityName[] = ['createMachine', 'awaitMachineReady', 'confirmUsage'];
    it.concurrent.each(awaits)(
      'while %s waits: the machine is destroyed and the VM shows as cancelled',
      async (activity) => {
        await scene.withFaults([[activity, 'hangs']], async (start, plan) => {
          const vm = await start({ idle: { firstConnectTimeoutSeconds: 1 } });
          await expect.poll(() => plan.isHanging(activity), { timeout: 20_000 }).toBe(true);
          await vm.cancel();
          await expect(vm.result()).rejects.toThrow();
          expect((await vm.describe()).status.name).toBe('CANCELLED');
        });
      },
    );

    it.concurrent('while it runs and waits for its deadline', async () => {
      await scene.withFaults([], async (start) => {
        const vm = await start();
        await untilView(vm, ({ state }) => state === 'running');
        await vm.cancel();
        await expect(vm.result()).rejects.toThrow();
      });
    });

    it.concurrent('while it drains and waits for the last user', async () => {
      await scene.withFaults([['tellDraining', 'hangs']], async (start, plan) => {
        const vm = await start();
        await untilView(vm, ({ state }) => state === 'running');
        await vm.signal('hold', 600);
        await vm.signal('drain');
        await expect.poll(() => plan.isHanging('tellDraining'), { timeout: 20_000 }).toBe(true);
        await vm.cancel();
        await expect(vm.result()).rejects.toThrow();
      });
    });

    it.concurrent('while it is destroyed: the destroy goes on', async () => {
      await scene.withFaults([['destroyMachine', 'fails']], async (start) => {
        const vm = await start();
        await untilView(vm, ({ state }) => state === 'running');
        await vm.signal('destroy');
        await untilView(vm, ({ state }) => state === 'destroying' || state === 'destroyed');
        await vm.cancel();
        await vm.result().catch(() => undefined);
        expect(await untilView(vm, ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'requested' });
      });
    });

    it.concurrent('before any worker saw the VM', async () => {
      const queue = `${scene.queue}-without-a-worker`;
      const stopHost = await runHost(scene.server, queue, scene.activities, 'host-a');
      const vm = await scene.startVm(`vm-${randomUUID().slice(0, 8)}`, queue);
      await vm.cancel();
      const stopWorker = await runWorker(scene.server, { taskQueue: queue, workflowBundle: await workflowBundle() });
      await expect(vm.result()).rejects.toThrow();
      expect((await vm.describe()).status.name).toBe('CANCELLED');
      await Promise.all([stopWorker(), stopHost()]);
    });
  });
}
