/** The console of a machine outlives it for a while: it says why the machine failed. */
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KeptConsoles } from '../../../providers/host/files/kept-consoles.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { localHarness, machineRequest, type LocalHarness } from '../../../test-support/machines/local-harness.ts';

const never = { signal: new AbortController().signal };
const HOUR_MS = 3600 * 1000;
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

describe('the console of a machine that was destroyed', () => {
  let harness: LocalHarness;
  beforeAll(async () => {
    await buildVmServer();
  });
  beforeEach(async () => {
    harness = await localHarness(await buildVmServer());
  });
  afterEach(() => harness.dispose());

  it('is read for an hour, also by the next worker and after another destroy, and by no other user', async () => {
    const { provider, options, restarted } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await eventually(async () => {
      expect(textOf(await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never))).toContain('serves on');
    });
    await provider.destroy(machineId, never);
    const console_ = textOf(await restarted().readConsole(machineId, { maxBytes: 64 * 1024 }, never));
    expect(console_).toContain('serves on');
    expect(textOf(await provider.readConsole(machineId, { maxBytes: 5 }, never))).toBe(console_!.slice(-5));
    await provider.destroy(machineId, never);
    expect(textOf(await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never))).toBe(console_);
    const dir = join(options.stateDir, 'machine-consoles');
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, machineId))).mode & 0o777).toBe(0o600);

    const before = (Date.now() - HOUR_MS) / 1000 - 5;
    await utimes(join(dir, machineId), before, before);
    expect(await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never)).toBeUndefined();
    await restarted().list(never);
    expect(await readdir(dir)).toEqual([]);
  });

  it('is nothing that keeps its machine when it cannot be kept', async () => {
    const { provider, options } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await writeFile(join(options.stateDir, 'machine-consoles'), 'in the way');
    await provider.destroy(machineId, never);
    expect(await provider.describe(machineId, never)).toBeUndefined();
    expect(await harness.countRunning(machineId)).toBe(0);
    expect(await provider.readConsole(machineId, { maxBytes: 100 }, never)).toBeUndefined();
  });
});

describe('kept consoles', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eph-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('are the last 64 KiB each', async () => {
    const path = join(dir, 'console.log');
    await writeFile(path, `first${'x'.repeat(100 * 1024)}last`);
    const consoles = new KeptConsoles(join(dir, 'kept'));
    await consoles.keep('m-1', path);
    const kept = textOf(await consoles.read('m-1', 100 * 1024));
    expect(kept).toHaveLength(64 * 1024);
    expect(kept!.endsWith('last')).toBe(true);
  });

  it('are read for the VM that had the machine, and for no other', async () => {
    const path = join(dir, 'console.log');
    await writeFile(path, 'one line\nand another');
    const consoles = new KeptConsoles(join(dir, 'kept'));
    await consoles.keep('m-1', path, 'vm/default/lobby');
    await consoles.keep('m-2', path);
    expect(textOf(await consoles.read('m-1', 100, 'vm/default/lobby'))).toBe('one line\nand another');
    expect(textOf(await consoles.read('m-1', 7, 'vm/default/lobby'))).toBe('another');
    for (const owner of ['vm/default/lob', 'vm/other/lobby', '']) {
      expect(await consoles.read('m-1', 100, owner)).toBeUndefined();
    }
    expect(await consoles.read('m-2', 100, 'vm/default/lobby')).toBeUndefined();
  });

  it('are never more than so many: the oldest go', async () => {
    const path = join(dir, 'console.log');
    await writeFile(path, 'text');
    const consoles = new KeptConsoles(join(dir, 'kept'), { mostKept: 8 });
    for (let index = 0; index < 30; index += 1) {
      await consoles.keep(`m-${index}`, path);
      // One second apart, as the file system tells it.
      const at = Date.now() / 1000 - 60 + index;
      await utimes(join(dir, 'kept', `m-${index}`), at, at);
      expect((await readdir(join(dir, 'kept'))).length).toBeLessThanOrEqual(8);
    }
    expect(textOf(await consoles.read('m-29', 10))).toBe('text');
    expect(await consoles.read('m-0', 10)).toBeUndefined();
  });

  it('are none of a machine that printed nothing', async () => {
    const consoles = new KeptConsoles(join(dir, 'kept'));
    await consoles.keep('m-1', join(dir, 'nowhere'));
    expect(await consoles.read('m-1', 10)).toBeUndefined();
  });
});
