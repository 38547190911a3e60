import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import {
  localHarness,
  machineRequest,
  processesOf,
  type LocalHarness,
} from '../../../test-support/machines/local-harness.ts';

const never = { signal: new AbortController().signal };

let vmServerFile: string;
beforeAll(async () => {
  vmServerFile = await buildVmServer();
});
let harness: LocalHarness;
beforeEach(async () => {
  harness = await localHarness(vmServerFile);
});
afterEach(() => harness.dispose());

/** `T` while nothing of it runs. */
async function processState(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

async function pidOf(machineId: string): Promise<number> {
  const text = await readFile(join(harness.dirOf(machineId), LOCAL_MACHINE_FILE.process), 'utf8');
  return (JSON.parse(text) as { pid: number }).pid;
}

describe('a local machine that is suspended', () => {
  it('does not run, is the same process with its memory, and goes on where it was', async () => {
    const { provider } = harness;
    const made = await provider.create(machineRequest(), never);
    const { machineId } = made;
    const pid = await pidOf(machineId);
    expect(await provider.power!.suspend!(machineId, never)).toMatchObject({ status: 'suspended', address: null });
    await expect.poll(() => processState(pid), { timeout: 30_000 }).toBe('T');
    expect(await harness.restarted().power!.suspend!(machineId, never), 'again').toMatchObject({ status: 'suspended' });
    expect(await harness.restarted().describe(machineId, never)).toMatchObject({ status: 'suspended' });
    const back = await harness.restarted().power!.resume!({ machineId, agentBootstrap: null }, never);
    expect(back).toMatchObject({ status: 'running', address: made.address });
    expect(await pidOf(machineId)).toBe(pid);
    expect(await harness.askMachine(back)).toContain('200');
    await provider.power!.resume!({ machineId, agentBootstrap: null }, never);
  });

  it('is stopped, started, and destroyed as any other', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await provider.power!.suspend!(machineId, never);
    expect(await provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped' });
    expect(await processesOf(harness.dirOf(machineId))).toEqual([]);
    expect(await provider.power!.suspend!(machineId, never), 'it has no memory').toMatchObject({ status: 'stopped' });
    expect(await provider.power!.start({ machineId, agentBootstrap: null }, never)).toMatchObject({
      status: 'running',
    });
    await provider.power!.suspend!(machineId, never);
    await provider.destroy(machineId, never);
    expect(await processesOf(harness.dirOf(machineId))).toEqual([]);
    expect(await provider.list(never)).toEqual([]);
  });

  it('loses neither memory nor disk to a reset that comes late: that is for machines that are stopped', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    const pid = await pidOf(machineId);
    const file = join(harness.dirOf(machineId), LOCAL_MACHINE_FILE.data, 'word');
    await writeFile(file, 'kept');
    await provider.power!.suspend!(machineId, never);
    await expect(provider.power!.reset!(machineId, never)).rejects.toMatchObject({ code: 'backendUnavailable' });
    expect(await readFile(file, 'utf8')).toBe('kept');
    await provider.power!.resume!({ machineId, agentBootstrap: null }, never);
    expect(await pidOf(machineId)).toBe(pid);
  });

  it('whose process was killed meanwhile starts from its disk', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await provider.power!.suspend!(machineId, never);
    await harness.crash(machineId);
    await expect
      .poll(async () => (await provider.describe(machineId, never))?.status, { timeout: 30_000 })
      .toBe('stopped');
    expect(await provider.power!.resume!({ machineId, agentBootstrap: null }, never)).toMatchObject({
      status: 'running',
    });
    expect(await harness.countRunning(machineId)).toBe(1);
  });
});
