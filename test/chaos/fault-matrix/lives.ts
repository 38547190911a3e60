/** Lives that end by their own rule, whatever goes wrong once. */
import { describe, expect, it } from 'vitest';
import type { FaultScene } from '../../../test-support/trials/fault-scene.ts';
import type { ActivityName } from '../../../test-support/trials/faulty-activities.ts';
import { untilView } from '../../../test-support/workflow/vm-harness.ts';

const IDLE_LIFE: readonly ActivityName[] = ['createMachine', 'awaitMachineReady', 'confirmUsage', 'destroyMachine'];
/** Every step of an idle life with every fault that passes. */
export const IDLE_CELLS = (['fails', 'replyLost', 'runsTwice'] as const).flatMap((fault) =>
  IDLE_LIFE.map((activity) => [activity, fault] as const),
);

export function describeLives(scene: FaultScene): void {
  describe('a life in which something goes wrong once', () => {
    it.concurrent.each(IDLE_CELLS)(
      '%s %s: the VM still lives and ends by its own rule, and no machine is left',
      async (...cell) => {
        await scene.withFaults([cell], async (start) => {
          const vm = await start({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 1 } });
          expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
        });
      },
    );

    it.concurrent.each(['fails', 'replyLost', 'runsTwice'] as const)(
      'tellDraining %s: the VM drains',
      async (fault) => {
        await scene.withFaults([['tellDraining', fault]], async (start) => {
          const vm = await start();
          await untilView(vm, ({ state }) => state === 'running');
          await vm.signal('drain');
          expect(await vm.result()).toMatchObject({ reason: 'drained' });
        });
      },
    );

    it.concurrent('everything runs twice: one machine, one end', async () => {
      await scene.withFaults(
        IDLE_LIFE.map((activity) => [activity, 'runsTwice'] as const),
        async (start) => {
          const vm = await start({ idle: { firstConnectTimeoutSeconds: 1 } });
          expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
        },
      );
    });
  });
}
