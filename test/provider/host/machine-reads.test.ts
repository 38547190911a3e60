/** Machines whose files cannot be read: they are not known, and what is not known is never gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalMachineProcess } from '../../../domain/machine/local-machine.ts';
import { isAlive } from '../../../providers/host/processes/system-process.ts';
import { qemuImageIn } from '../../../providers/qemu/image/image-files.ts';
import { createQemuProvider, type QemuProviderOptions } from '../../../providers/qemu/qemu-provider.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { localHarness, machineRequest, type LocalHarness } from '../../../test-support/machines/local-harness.ts';
import type { HostOfMachine, SeenWithoutDescriptors } from '../../../test-support/machines/without-descriptors.ts';

const never = { signal: new AbortController().signal };
const HOST = fileURLToPath(new URL('../../../test-support/machines/without-descriptors.ts', import.meta.url));
const DESCRIPTORS = 96;
const UNKNOWN = 'hostFailure';
/** How a machine's file may be damaged. */
const DAMAGES = { empty: '', cut: '{"labels": {', foreign: '{"hello": "world"}', null: 'null' };

let vmServerFile = '';
beforeAll(async () => {
  vmServerFile = await buildVmServer();
});

const harnesses: LocalHarness[] = [];
const stateDirs: string[] = [];
const processes: ChildProcess[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  for (const harness of harnesses.splice(0)) await harness.dispose();
  for (const dir of stateDirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

const processOf = async (dir: string): Promise<LocalMachineProcess> =>
  JSON.parse(await readFile(join(dir, 'process.json'), 'utf8')) as LocalMachineProcess;

async function aLocalMachine(): Promise<LocalHarness & { machineId: string; dir: string }> {
  const harness = await localHarness(vmServerFile);
  harnesses.push(harness);
  const { machineId } = await harness.provider.create(machineRequest(), never);
  return { ...harness, machineId, dir: harness.dirOf(machineId) };
}

interface Guest {
  options: QemuProviderOptions;
  machineId: string;
  dir: string;
}

/** The files of a guest that has booted; a shell stands in for its QEMU, which takes ten seconds to boot one. */
async function aGuest(): Promise<Guest> {
  const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  stateDirs.push(stateDir);
  const { machineId } = machineRequest();
  const dir = join(stateDir, 'machines-qemu', machineId);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const program = `echo ready; while :; do sleep 0.1; done`;
  const child = spawn('/bin/sh', ['-c', program, 'stand-in', `path=${dir}/console.log`], {
    cwd: dir,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  processes.push(child);
  await once(child.stdout, 'data');
  const stat = await readFile(`/proc/${child.pid!}/stat`, 'utf8');
  const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  const files = {
    machine: {
      labels: { deployment: 'test', machineId, project: 'default', vm: 'lobby' },
      ...{ createdAt: 1, host: 'here', ports: [], cpus: 1, memoryMb: 512, disk: null },
      accelerator: { kind: 'tcg', machine: 'q35' },
    },
    process: { pid: child.pid, startedAt },
    address: { ip: '127.128.0.1', ports: [] },
    boot: { number: 1, startedAt: 1 },
    booted: { number: 1, startedAt: 1, bootedAt: 2 },
  };
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(dir, `${name}.json`), JSON.stringify(value), { mode: 0o600 });
  }
  return { options: { stateDir, deployment: 'test', hostId: 'here', image: qemuImageIn(stateDir) }, machineId, dir };
}

async function seenWithoutDescriptors(host: HostOfMachine): Promise<SeenWithoutDescriptors> {
  const command = [`--nofile=${DESCRIPTORS}`, process.execPath, '--import', 'tsx', HOST];
  const child = spawn('prlimit', command, { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  child.stdin.end(JSON.stringify(host));
  return JSON.parse(await text(child.stdout)) as SeenWithoutDescriptors;
}

const SEEN: SeenWithoutDescriptors = {
  before: 'running',
  described: UNKNOWN,
  listed: UNKNOWN,
  consoleRead: UNKNOWN,
  destroyed: UNKNOWN,
  after: 'running',
};

describe('a host that has no file descriptor left', () => {
  it('does not know its local machine, and neither loses nor destroys it', async () => {
    const { options, machineId, dir, provider } = await aLocalMachine();
    const machine = await processOf(dir);
    expect(await seenWithoutDescriptors({ kind: 'local', options, machineId })).toEqual(SEEN);
    expect(await isAlive(machine)).toBe(true);
    await provider.destroy(machineId, never);
    expect(await isAlive(machine)).toBe(false);
    expect(await provider.describe(machineId, never)).toBeUndefined();
  });

  it('does not know its guest, and neither loses nor destroys it', async () => {
    const { options, machineId, dir } = await aGuest();
    const guest = await processOf(dir);
    await writeFile(join(dir, 'console.log'), 'booted\n');
    expect(await seenWithoutDescriptors({ kind: 'qemu', options, machineId })).toEqual(SEEN);
    expect(await isAlive(guest)).toBe(true);
    const provider = createQemuProvider(options);
    await provider.destroy(machineId, never);
    expect(await isAlive(guest)).toBe(false);
    expect(await provider.describe(machineId, never)).toBeUndefined();
  });
});

describe('a machine of which a file is damaged', () => {
  for (const file of ['machine.json', 'process.json', 'address.json']) {
    it(`is unknown, not gone, with a damaged ${file}; it hides no other, and its destroy ends it`, async () => {
      const { provider, options, machineId, dir } = await aLocalMachine();
      const machine = await processOf(dir);
      const sound = await provider.create(machineRequest(), never);
      for (const [damage, content] of Object.entries(DAMAGES)) {
        await writeFile(join(dir, file), content);
        const looked = provider.describe(machineId, never);
        await expect(looked, damage).rejects.toMatchObject({ code: UNKNOWN, terminal: false });
        await expect(looked).rejects.toThrow(join(dir, file));
        const listed = await provider.list(never);
        const seen = listed.find((one) => one.machineId === machineId);
        expect(seen?.status, damage).toBe(file === 'machine.json' ? undefined : 'starting');
        expect(listed).toContainEqual(sound);
      }
      await provider.destroy(machineId, never);
      expect(await isAlive(machine)).toBe(false);
      expect(await provider.describe(machineId, never)).toBeUndefined();
      expect(await readdir(join(options.stateDir, 'machines'))).toEqual([sound.machineId]);
      expect(await provider.describe(sound.machineId, never)).toEqual(sound);
    });
  }

  it('is ended by its destroy also when it is a guest, of which nothing but its directory is known', async () => {
    const { options, machineId, dir } = await aGuest();
    const guest = await processOf(dir);
    for (const file of ['machine', 'process', 'address', 'boot', 'booted'])
      await writeFile(join(dir, `${file}.json`), '{');
    const provider = createQemuProvider(options);
    await expect(provider.describe(machineId, never)).rejects.toMatchObject({ code: UNKNOWN });
    await provider.destroy(machineId, never);
    expect(await isAlive(guest)).toBe(false);
    expect(await provider.describe(machineId, never)).toBeUndefined();
  });

  it('says nothing of what is in the file', async () => {
    const { provider, machineId, dir } = await aLocalMachine();
    await writeFile(join(dir, 'machine.json'), JSON.stringify({ env: { PASSWORD: ['hunter2'] } }));
    const error: unknown = await provider.describe(machineId, never).catch((reason: unknown) => reason);
    expect(String(error)).toContain('is damaged');
    expect(String(error)).not.toContain('hunter2');
    await provider.destroy(machineId, never);
  });

  it('without its manifest is unknown while its process runs, and gone after that', async () => {
    const { provider, machineId, dir, crash } = await aLocalMachine();
    await rm(join(dir, 'machine.json'));
    await expect(provider.describe(machineId, never)).rejects.toMatchObject({ code: UNKNOWN });
    const machine = await processOf(dir);
    await crash(machineId);
    await eventually(async () => expect(await isAlive(machine)).toBe(false));
    expect(await provider.describe(machineId, never)).toBeUndefined();
    await provider.destroy(machineId, never);
  });

  it('with the manifest of another machine is not taken for gone', async () => {
    const { provider, machineId, dir, dirOf } = await aLocalMachine();
    const other = await provider.create(machineRequest(), never);
    await writeFile(join(dir, 'machine.json'), await readFile(join(dirOf(other.machineId), 'machine.json')));
    await expect(provider.describe(machineId, never)).rejects.toThrow(`its manifest is that of ${other.machineId}`);
    await provider.destroy(machineId, never);
    expect(await provider.list(never)).toEqual([other]);
  });
});
