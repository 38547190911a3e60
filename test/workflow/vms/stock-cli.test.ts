import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VmView } from '../../../domain/vm/view.ts';
import { TEST_NAMESPACE } from '../../../test-support/temporal-server.ts';
import {
  startVmHarness,
  untilView,
  type SpecChanges,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

/** Runs the stock `temporal` command as a person would type it. */
async function temporal(...args: string[]): Promise<string> {
  const { cliPath, address } = harness.server;
  const { stdout } = await promisify(execFile)(cliPath, [...args, '-n', TEST_NAMESPACE, '--address', address]);
  return stdout;
}

async function runningVm(title: string, changes?: SpecChanges): Promise<VmHandle> {
  const { start } = await harness.park(title);
  const vm = await start(changes);
  await untilView(vm, ({ state }) => state === 'running');
  return vm;
}

describe('a person with the stock temporal CLI', () => {
  it('types an idle signal and the VM ends at its idle deadline', async (test) => {
    const vm = await runningVm(test.task.name, { idle: { timeoutSeconds: 1 } });
    await temporal('workflow', 'signal', '--workflow-id', vm.workflowId, '--name', 'connections', '--input', '0');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'idle' });
  });

  it('types a count and sees it, with the reason to live, in the view', async (test) => {
    const vm = await runningVm(test.task.name);
    await temporal('workflow', 'signal', '--workflow-id', vm.workflowId, '--name', 'connections', '--input', '3');
    const printed = await temporal('workflow', 'query', '--workflow-id', vm.workflowId, '--type', 'view', '-o', 'json');
    const { queryResult } = JSON.parse(printed) as { queryResult: VmView[] };
    expect(queryResult[0]).toMatchObject({ state: 'running', connections: 3, aliveBecause: 'connections' });
  });

  it('drains an empty VM and it ends as drained', async (test) => {
    const vm = await runningVm(test.task.name);
    await temporal('workflow', 'signal', '--workflow-id', vm.workflowId, '--name', 'drain');
    expect(await vm.result()).toMatchObject({ reason: 'drained' });
  });

  it('holds a VM past its idle deadline and releases it', async (test) => {
    const vm = await runningVm(test.task.name, { idle: { firstConnectTimeoutSeconds: 1 } });
    await temporal('workflow', 'signal', '--workflow-id', vm.workflowId, '--name', 'hold', '--input', '600');
    await untilView(vm, (view) => Date.now() > Date.parse(view.createdAt) + 3000);
    expect(await untilView(vm, () => true)).toMatchObject({ state: 'running', aliveBecause: 'hold' });
    await temporal('workflow', 'signal', '--workflow-id', vm.workflowId, '--name', 'hold', '--input', '0');
    expect(await vm.result()).toMatchObject({ reason: 'neverConnected' });
  });

  it('cancels a VM: the machine is destroyed first, then the workflow shows as Canceled', async (test) => {
    const vm = await runningVm(test.task.name);
    await temporal('workflow', 'cancel', '--workflow-id', vm.workflowId);
    await expect(vm.result()).rejects.toThrow();
    const described = await temporal('workflow', 'describe', '--workflow-id', vm.workflowId, '-o', 'json');
    expect(described).toContain('WORKFLOW_EXECUTION_STATUS_CANCELED');
    expect(await untilView(vm, () => true)).toMatchObject({ state: 'destroyed', reason: 'cancelled' });
  });

  it('sends nonsense with signals and an update, and the VM goes on', async (test) => {
    const vm = await runningVm(test.task.name);
    const { machineId } = await untilView(vm, () => true);
    const nonsense = [
      null,
      5,
      'x',
      [],
      {},
      { machineId: 5 },
      { machineId },
      { machineId, machine: 5 },
      { machineId, machine: {} },
    ];
    // The others take no argument that they need.
    for (const name of ['report', 'connections', 'hold', 'machineLost', 'adoptAnswer']) {
      for (const value of nonsense) {
        const isAnswer = value === 5 && (name === 'connections' || name === 'hold');
        if (!isAnswer && !(name === 'machineLost' && JSON.stringify(value).includes(machineId)))
          await vm.signal(name, value);
      }
      await vm.signal(name);
    }
    for (const value of nonsense) await expect(vm.executeUpdate('takeBack', { args: [value] })).rejects.toThrow();
    await vm.signal('connections', 7);
    expect(await untilView(vm, ({ connections }) => connections === 7)).toMatchObject({ state: 'running', machineId });
  });

  it('finds VMs by state and machine with a list query', async (test) => {
    const vm = await runningVm(test.task.name);
    const { machineId } = await untilView(vm, () => true);
    const query = `VmState = "running" AND VmMachine = "${machineId}"`;
    await expect
      .poll(() => temporal('workflow', 'list', '--query', query, '-o', 'json'), { timeout: 10_000 })
      .toContain(vm.workflowId);
    await vm.terminate();
  });
});
