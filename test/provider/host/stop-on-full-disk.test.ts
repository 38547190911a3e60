/** A machine on a disk that is full: its stop says so, costs nothing, and goes on when there is room. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { localHarness, machineRequest, type LocalHarness } from '../../../test-support/machines/local-harness.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from '../../../test-support/machines/small-disk.ts';

const never = { signal: new AbortController().signal };

describe.skipIf(whyNoSmallDisk())('a stop on a full disk', () => {
  let disk: SmallDisk;
  let harness: LocalHarness;
  beforeAll(async () => {
    disk = await smallDisk(20);
    harness = await localHarness(await buildVmServer(), { stateDir: join(disk.path, 'state') });
  });
  afterAll(async () => {
    await disk.makeRoom();
    await harness.dispose();
    await disk.remove();
  });

  it('says that there is no space and leaves the machine as it was, and works once there is', async () => {
    const { provider } = harness;
    const request = machineRequest();
    const { machineId } = await provider.create(request, never);
    await disk.fill(0);
    await expect(provider.power!.stop(machineId, never)).rejects.toMatchObject({
      code: 'hostFailure',
      terminal: false,
      message: expect.stringMatching(/ENOSPC/) as string,
    });
    expect(await provider.describe(machineId, never)).toMatchObject({ status: 'running' });
    await disk.makeRoom();
    expect(await provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped' });
    expect(await harness.countRunning(machineId)).toBe(0);
    expect(await provider.power!.start({ machineId, agentBootstrap: null }, never)).toMatchObject({
      status: 'running',
    });
  });
});
