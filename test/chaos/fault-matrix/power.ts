/** Machines that are stopped, started, suspended, resumed or reset, whatever goes wrong once. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { VmStateName } from '../../../domain/vm/state.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import type { FaultScene } from '../../../test-support/trials/fault-scene.ts';
import { untilView } from '../../../test-support/workflow/vm-harness.ts';
import {
  resumeUpdate,
  startUpdate,
  stopUpdate,
  suspendUpdate,
  takeBackUpdate,
  timelineQuery,
} from '../../../workflows/messages.ts';

export function describePower(scene: FaultScene): void {
  describe('a machine that is stopped and comes back, in which something goes wrong once', () => {
    it.concurrent.each(
      (['stopMachine', 'startMachine'] as const).flatMap((activity) =>
        (['fails', 'replyLost', 'runsTwice'] as const).map((fault) => [activity, fault] as const),
      ),
    )('%s %s: the same machine comes back with what it has kept', async (...cell) => {
      await scene.withFaults([cell], async (start) => {
        const vm = await start({ idle: { action: 'stop', firstConnectTimeoutSeconds: 1 } });
        const { machineId } = await untilView(vm, ({ state }) => state === 'stopped');
        expect(await runningOf(scene, machineId)).toBe(0);
        const kept = await scene.keptFileOf(machineId);
        await writeFile(kept, 'before the stop');
        await vm.signal('start');
        expect(await untilView(vm, ({ state }) => state === 'running')).toMatchObject({ machineId });
        expect(await readFile(kept, 'utf8')).toBe('before the stop');
        expect(await runningOf(scene, machineId)).toBe(1);
        await vm.signal('destroy');
        expect(await vm.result()).toMatchObject({ state: 'destroyed' });
      });
    });

    it.concurrent.each(
      (['suspendMachine', 'resumeMachine'] as const).flatMap((activity) =>
        (['fails', 'replyLost', 'runsTwice'] as const).map((fault) => [activity, fault] as const),
      ),
    )('%s %s: the same process goes on with what it has in memory', async (...cell) => {
      await scene.withFaults([cell], async (start) => {
        const vm = await start({ idle: { action: 'suspend', firstConnectTimeoutSeconds: 1 } });
        const { machineId } = await untilView(vm, ({ state }) => state === 'suspended');
        const before = await scene.processesOf(machineId);
        expect(before).toHaveLength(1);
        const kept = await scene.keptFileOf(machineId);
        await writeFile(kept, 'before the suspend');
        await vm.signal('resume');
        const again = await untilView(vm, ({ state }) => state === 'running');
        expect(again).toMatchObject({ machineId, startedFrom: 'suspended' });
        expect(await scene.processesOf(machineId)).toEqual(before);
        expect(await readFile(kept, 'utf8')).toBe('before the suspend');
        await vm.signal('destroy');
        expect(await vm.result()).toMatchObject({ state: 'destroyed' });
      });
    });

    it.concurrent.each(['fails', 'replyLost', 'runsTwice'] as const)(
      'resetMachine %s: whoever is given the VM finds nothing of whoever had it',
      async (fault) => {
        await scene.withFaults([['resetMachine', fault]], async (start) => {
          const vm = await start({ idle: { action: 'stop', firstConnectTimeoutSeconds: 1 } }, { unnamed: true });
          const { machineId, uid } = await untilView(vm, ({ state }) => state === 'stopped');
          const kept = await scene.keptFileOf(machineId);
          await writeFile(kept, 'of the one before');
          await vm.executeUpdate(takeBackUpdate, { args: [{ uid, claim: randomUUID(), reset: true }] });
          expect(await untilView(vm, ({ state }) => state === 'running')).toMatchObject({ machineId });
          await expect(readFile(kept, 'utf8')).rejects.toThrow('ENOENT');
          expect(await runningOf(scene, machineId)).toBe(1);
          await vm.signal('destroy');
          expect(await vm.result()).toMatchObject({ state: 'destroyed' });
        });
      },
    );
  });

  describe('a machine that is stopped, started, suspended or resumed', () => {
    const cells = (['stopMachine', 'startMachine', 'suspendMachine', 'resumeMachine'] as const).flatMap((step) =>
      (['comesLate', 'failsForGood'] as const).map((fault) => [step, fault] as const),
    );
    it.concurrent.each(cells)(
      'stays the same, with its data and its link, and its VM says why it is where it is, although %s %s',
      { timeout: 120_000 },
      async (step, fault) => {
        await scene.withFaults([[step, fault]], async (start, plan) => {
          const vm = await start();
          const until = (state: VmStateName): Promise<VmView> => untilView(vm, (view) => view.state === state, 60_000);
          const { machineId } = await until('running');
          const kept = await scene.keptFileOf(machineId);
          await writeFile(kept, 'before');
          const isSuspension = step === 'suspendMachine' || step === 'resumeMachine';
          const [down, up] = isSuspension ? [suspendUpdate, resumeUpdate] : [stopUpdate, startUpdate];
          const below = isSuspension ? 'suspended' : 'stopped';
          const keeps = isSuspension ? ['disk', 'memory'] : ['disk'];
          const [process] = await scene.processesOf(machineId);
          await vm.executeUpdate(down, { args: [{}] });
          if (step === 'suspendMachine' && fault === 'failsForGood') {
            await until('running');
            expect(JSON.stringify(await vm.query(timelineQuery))).toContain(
              'it cannot be suspended: injected for good',
            );
            await vm.executeUpdate(down, { args: [{}] });
          }
          expect(await until(below)).toMatchObject({ machineId, keeps });
          expect(await scene.processesOf(machineId)).toEqual(isSuspension ? [process] : []);
          await vm.executeUpdate(up, { args: [{}] });
          if ((step === 'startMachine' || step === 'resumeMachine') && fault === 'failsForGood') {
            expect(await until(below)).toMatchObject({
              machineId,
              keeps,
              detail: 'the start failed: injected for good',
            });
            await vm.executeUpdate(up, { args: [{}] });
          }
          expect(await until('running')).toMatchObject({ machineId, startedFrom: below });
          const serving = await scene.processesOf(machineId);
          expect(serving).toHaveLength(1);
          if (isSuspension) expect(serving).toEqual([process]);
          await plan.untilQuiet();
          expect(await until('running'), 'what came late has changed nothing').toMatchObject({
            machineId,
            health: 'ok',
          });
          expect(await scene.processesOf(machineId)).toEqual(serving);
          expect(scene.hasLink(machineId), 'its agent is heard').toBe(true);
          expect(await readFile(kept, 'utf8')).toBe('before');
          await vm.signal('destroy');
          expect(await vm.result()).toMatchObject({ state: 'destroyed' });
        });
      },
    );
  });
}

async function runningOf(scene: FaultScene, machineId: string): Promise<number> {
  return (await scene.processesOf(machineId)).length;
}
