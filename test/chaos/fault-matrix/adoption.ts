/** Machines that waited in a pool and become VMs, whatever goes wrong once while their host writes that down. */
import { beforeAll, describe, expect, it } from 'vitest';
import { warmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import type { FaultScene } from '../../../test-support/trials/fault-scene.ts';
import type { Fault } from '../../../test-support/trials/faulty-activities.ts';
import { sceneOf } from '../../../test-support/workflow/pool-scene.ts';
import { untilView } from '../../../test-support/workflow/vm-harness.ts';

/** With what the VM has then: the machine that it was granted, or another one. */
const CELLS: readonly (readonly [Fault, 'warm' | 'new'])[] = [
  ['replyLost', 'warm'],
  ['runsTwice', 'warm'],
  ['diesAfter', 'warm'],
  ['comesLate', 'warm'],
  ['failsForGood', 'new'],
  ['diesForGood', 'new'],
];

export function describeAdoption(scene: FaultScene): void {
  describe('a machine of a pool whose adoption', () => {
    const granted: (string | null)[] = [];
    let pools: ReturnType<typeof sceneOf>;
    beforeAll(async () => {
      pools = sceneOf(scene.server, scene.queue);
      const warm = { min: CELLS.length, max: CELLS.length, ttlSeconds: 600 };
      const pool = await pools.configure({ warm, placement: 'host' });
      await pool.until({ ready: CELLS.length }, 60_000);
      granted.push(...(await pool.claim(...CELLS.map(([fault]) => fault))));
      await pool.handle.terminate('no refill');
    });

    it.concurrent.each(CELLS.map(([fault, has], at) => [fault, has, at] as const))(
      '%s has one owner all the time, and the VM a %s machine with its data',
      async (fault, has, at) => {
        const machineId = granted[at] ?? '';
        scene.plans.ofMachine(machineId).add('adoptMachine', fault);
        const vm = await pools.startVm({ machineId, placement: 'host' });
        const view = await untilView(vm, ({ state }) => state === 'running', 60_000);
        expect(view).toMatchObject({ startedFrom: has, ...(has === 'warm' ? { machineId } : {}) });
        const warm = scene.server.client.workflow.getHandle(warmWorkflowId(machineId));
        await eventually(async () => expect((await warm.describe()).status.name).toBe('COMPLETED'), 60_000);
        const own = async (): Promise<string[]> =>
          (await scene.machines()).filter(({ labels }) => labels.owner === vm.workflowId).map((one) => one.machineId);
        await eventually(async () => expect(await own()).toEqual([view.machineId]), 60_000);
        expect((await scene.machines()).filter((one) => one.machineId === machineId)).toHaveLength(
          has === 'warm' ? 1 : 0,
        );
        await scene.plans.ofMachine(machineId).untilQuiet();
        expect(await own(), 'what came late has changed nothing').toEqual([view.machineId]);
        expect(scene.hasLink(view.machineId)).toBe(true);
        await vm.signal('destroy');
        expect(await vm.result()).toMatchObject({ state: 'destroyed' });
      },
    );
  });
}
