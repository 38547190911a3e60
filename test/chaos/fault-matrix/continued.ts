/** Lives whose history is continued as new at every step, whatever goes wrong once. */
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { FaultScene } from '../../../test-support/trials/fault-scene.ts';
import { untilView } from '../../../test-support/workflow/vm-harness.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import { temporalVmLedger } from '../../../worker/temporal/temporal-vm-ledger.ts';
import type { VmInput } from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';
import { IDLE_CELLS } from './lives.ts';

/** So few that a VM which serves moves to a new run with every task but the first of a run. */
const EVERY_STEP: Partial<VmInput> = { historyLimitEvents: 5 };

export function describeContinued(scene: FaultScene): void {
  describe('a VM whose history is continued as new at every step', () => {
    /** Lives on, and is asked all the while who owns its machine. */
    const neverDisowned = async (vm: WorkflowHandle<typeof runVm>, done: Promise<unknown>): Promise<void> => {
      const signals = temporalVmSignals(scene.server.client);
      const ledger = temporalVmLedger({
        client: scene.server.client,
        signals,
        provider: 'local',
        host: null,
        controlTaskQueue: '-',
      });
      const { machineId } = await untilView(vm, ({ state }) => state === 'running');
      const seen = new Set<string>();
      for (;;) {
        const { status } = await vm.describe();
        if (status.name !== 'RUNNING') break;
        const owner = await ledger.ownership({ machineId, labels: { owner: vm.workflowId }, createdAt: 0 });
        if ((await vm.describe()).status.name === 'RUNNING') seen.add(owner);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect([...seen]).not.toContain('closed');
      await done;
    };

    it.concurrent.each(IDLE_CELLS)('%s %s: it lives and ends by its own rule', async (...cell) => {
      await scene.withFaults([cell], async (start) => {
        const vm = await start({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 3 } }, EVERY_STEP);
        const latest = scene.server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
        await untilView(latest, ({ state }) => state === 'running');
        await latest.signal('hold', 60);
        await latest.signal('hold', 0);
        await neverDisowned(latest, vm.result());
        expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
        expect((await latest.describe()).runId, 'it did move on').not.toBe(vm.firstExecutionRunId);
      });
    });

    it.concurrent.each(['fails', 'replyLost', 'runsTwice'] as const)(
      'tellDraining %s: it drains, goes back and drains again',
      async (fault) => {
        await scene.withFaults([['tellDraining', fault]], async (start) => {
          const vm = await start(undefined, EVERY_STEP);
          const latest = scene.server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
          await untilView(latest, ({ state }) => state === 'running');
          await latest.signal('hold', 60);
          await latest.signal('drain');
          await untilView(latest, ({ state }) => state === 'draining');
          await latest.signal('undrain');
          await untilView(latest, ({ state }) => state === 'running');
          await latest.signal('hold', 0);
          await latest.signal('drain');
          expect(await vm.result()).toMatchObject({ reason: 'drained' });
          expect((await latest.describe()).runId).not.toBe(vm.firstExecutionRunId);
        });
      },
    );

    it.concurrent('is cancelled after any of them', async () => {
      await scene.withFaults([], async (start) => {
        const vm = await start(undefined, EVERY_STEP);
        const latest = scene.server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
        await untilView(latest, ({ state }) => state === 'running');
        for (const seconds of [60, 61, 62]) await latest.signal('hold', seconds);
        await untilView(latest, ({ aliveBecause }) => aliveBecause === 'hold');
        await latest.cancel();
        await expect(vm.result()).rejects.toThrow();
        expect((await latest.describe()).status.name).toBe('CANCELLED');
      });
    });
  });
}
