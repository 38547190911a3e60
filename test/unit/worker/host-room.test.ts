import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ActivityContext } from '../../../activities/activity-context.ts';
import type { MachineActivityDependencies } from '../../../activities/machine/dependencies.ts';
import { deleteImage, makeImage } from '../../../activities/machine/machine-image.ts';
import type { Machine, MachineImage, MachineImages } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { RoomSize } from '../../../domain/capacity/room.ts';
import { qemuImageIn } from '../../../providers/qemu/image/image-files.ts';
import { createQemuProvider } from '../../../providers/qemu/qemu-provider.ts';
import { hostCapacity, memoryFor, takesRoom } from '../../../worker/host/host-capacity.ts';
import { HostRoom } from '../../../worker/host/host-room.ts';
import { eventually } from '../../../test-support/eventually.ts';

const size = (memoryMb: number): RoomSize => ({ cpus: 1, memoryMb, diskGb: 0 });

/** A room of 1000 MB over machines that the test makes and takes away. */
async function roomOver(machines = new Map<string, Partial<Machine>>()) {
  const list = (): Promise<Machine[]> =>
    Promise.resolve([...machines].map(([machineId, facts]) => ({ machineId, ...facts }) as Machine));
  const total = { cpus: 100, memoryMb: 1000, diskGb: 10 };
  const room = new HostRoom({ total, providers: [{ list }], log: pino({ level: 'silent' }), relistMs: 0 });
  await room.ready();
  const ask = (machineId: string, memoryMb = 400): boolean => room.admit({ machineId, size: size(memoryMb) });
  const make = (machineId: string, memoryMb = 400): void => {
    machines.set(machineId, { status: 'running', size: size(memoryMb) });
    room.settle(machineId);
  };
  const destroy = (machineId: string): void => {
    machines.delete(machineId);
    room.release(machineId);
  };
  const freeMb = (): number => room.free().memoryMb;
  return { room, machines, ask, make, destroy, freeMb };
}

describe('the room of a host', () => {
  it('counts the machines that were there before the worker', async () => {
    const { ask, destroy, freeMb } = await roomOver(new Map([['old', { status: 'running', size: size(700) }]]));
    expect(freeMb()).toBe(300);
    expect(ask('new')).toBe(false);
    expect(ask('old', 700)).toBe(true);
    destroy('old');
    expect(ask('new')).toBe(true);
  });

  it('is reserved once for a machine, however often its create runs', async () => {
    const { ask, make, freeMb } = await roomOver();
    for (let time = 0; time < 5; time += 1) expect(ask('a')).toBe(true);
    make('a');
    expect(ask('a')).toBe(true);
    expect(freeMb()).toBe(600);
  });

  it('is given back by a machine that is stopped, all but its disk, and has to be got again for its start', async () => {
    const { room, machines, ask, make, freeMb } = await roomOver();
    ask('a', 700);
    make('a', 700);
    machines.set('a', { status: 'stopped', size: { cpus: 1, memoryMb: 700, diskGb: 4 } });
    room.stopped('a');
    expect(freeMb()).toBe(1000);
    const again = { machineId: 'a', size: { cpus: 1, memoryMb: 700, diskGb: 4 } };
    expect(ask('b', 400)).toBe(true);
    expect(room.admitStart(again)).toBe(false);
    room.release('b');
    expect([room.admitStart(again), room.admitStart(again), freeMb()]).toEqual([true, true, 300]);
    await room.refresh();
    expect(freeMb()).toBe(300);
  });

  it('goes to a start that waits for it, and to no create that comes meanwhile, first come first served', async () => {
    const { room, machines, ask, make, freeMb } = await roomOver(
      new Map([
        ['first', { status: 'stopped', size: size(700) }],
        ['second', { status: 'stopped', size: size(300) }],
      ]),
    );
    ask('busy', 500);
    make('busy', 500);
    const start = (machineId: string, memoryMb: number): boolean =>
      room.admitStart({ machineId, size: size(memoryMb) });
    expect(start('first', 700)).toBe(false);
    expect(freeMb(), 'for creates').toBe(0);
    expect(ask('newcomer', 100)).toBe(false);
    expect(start('second', 300), 'it would fit, and keeps what the first one waits for').toBe(false);
    expect(room.waitOf('second')).toMatchObject({ ahead: 1, free: { memoryMb: 0 } });
    machines.delete('busy');
    room.release('busy');
    expect(ask('newcomer', 100), 'all is waited for').toBe(false);
    expect([start('first', 700), start('second', 300)]).toEqual([true, true]);
    expect(ask('newcomer', 100), 'all is taken').toBe(false);
  });

  it('is free for creates again when the VM whose start waited has ended', async () => {
    const { room, ask, make, freeMb } = await roomOver(new Map([['asleep', { status: 'stopped', size: size(700) }]]));
    ask('busy', 500);
    make('busy', 500);
    expect(room.admitStart({ machineId: 'asleep', size: size(700) })).toBe(false);
    expect(freeMb()).toBe(0);
    room.release('asleep');
    expect(ask('newcomer', 400)).toBe(true);
  });

  it('is given back by a create that left no machine behind', async () => {
    const { room, ask, make } = await roomOver();
    ask('kept', 600);
    make('kept', 600);
    ask('failed');
    expect(ask('next')).toBe(false);
    room.settle('failed');
    await eventually(() => expect(ask('next')).toBe(true));
  });

  it('stays with a create that runs, also while the provider does not know its machine yet', async () => {
    const { room, ask, freeMb } = await roomOver();
    ask('a');
    await room.refresh();
    expect(freeMb()).toBe(600);
  });

  it('says so to those that wait as soon as there is some', async () => {
    const { room, ask, make, destroy } = await roomOver();
    ask('old', 1000);
    make('old', 1000);
    let calls = 0;
    room.onRoom(() => (calls += 1));
    destroy('old');
    expect(calls).toBe(1);
    expect(ask('new')).toBe(true);
  });

  it('sees machines that somebody else took away, and those that ended by themselves', async () => {
    const { room, machines, ask, make, freeMb } = await roomOver();
    for (const name of ['swept', 'crashed']) {
      ask(name, 500);
      make(name, 500);
    }
    expect(freeMb()).toBe(0);
    machines.delete('swept');
    machines.set('crashed', { status: 'ended', size: size(500) });
    await eventually(async () => {
      await room.refresh();
      expect(freeMb()).toBe(1000);
    });
  });

  it('is not given while nobody can tell which machines there are', async () => {
    const list = (): Promise<Machine[]> => Promise.reject(new ProviderError('backendUnavailable', 'no answer'));
    const room = new HostRoom({ total: size(1000), providers: [{ list }], log: pino({ level: 'silent' }) });
    await expect(room.ready()).rejects.toThrow('no answer');
    expect(room.admit({ machineId: 'a', size: size(1) })).toBe(false);
  });
});

describe('a guest', () => {
  it('takes what its order says, also for a worker that did not make it', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-room-'));
    onTestFinished(() => rm(stateDir, { recursive: true }));
    const dir = join(stateDir, 'machines-qemu', 'm-1');
    await mkdir(dir, { recursive: true });
    const labels = { deployment: 'room', machineId: 'm-1', project: 'p', vm: 'v' };
    const order = { labels, createdAt: 1, host: 'h', ports: [], cpus: 2, memoryMb: 800, diskGb: 3 };
    await writeFile(join(dir, 'machine.json'), JSON.stringify(order));
    const image = qemuImageIn('none');
    const provider = createQemuProvider({ stateDir, deployment: 'room', hostId: 'h', image });
    const total = { cpus: 4, memoryMb: 1000, diskGb: 4 };
    const room = new HostRoom({ total, providers: [provider], log: pino({ level: 'silent' }) });
    await room.ready();
    expect(room.admit({ machineId: 'm-2', size: size(512) })).toBe(false);
    expect(room.usage().taken).toEqual({ cpus: 2, memoryMb: 800, diskGb: 3 });
  });
});

describe('the disk of a host', () => {
  const GB = 1024 ** 3;

  it('is taken by images of machines too, until they are deleted', async () => {
    const sizes = [3 * GB, 2.5 * GB];
    const images = { list: () => Promise.resolve(sizes.map((sizeBytes) => ({ sizeBytes }) as MachineImage)) };
    const provider = { list: () => Promise.resolve([]), images: images as unknown as MachineImages };
    const total = { cpus: 1, memoryMb: 1000, diskGb: 10 };
    const room = new HostRoom({ total, providers: [provider], log: pino({ level: 'silent' }), relistMs: 0 });
    await room.ready();
    expect(room.free().diskGb).toBe(5);
    expect(room.admit({ machineId: 'a', size: { ...size(1), diskGb: 6 } })).toBe(false);
    sizes.pop();
    await room.refresh();
    expect(room.usage().taken.diskGb).toBe(3);
    expect(room.admit({ machineId: 'a', size: { ...size(1), diskGb: 6 } })).toBe(true);
  });

  it('is not given twice by a VM that is closed: its image is counted before its machine is gone', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-room-'));
    onTestFinished(() => rm(stateDir, { recursive: true }));
    const made: MachineImage[] = [];
    const machine = {
      ...{ machineId: 'closed', status: 'stopped', size: { ...size(1), diskGb: 6 }, host: 'h' },
      labels: { owner: 'vm/p/closed' },
    } as unknown as Machine;
    const images = {
      list: () => Promise.resolve(made),
      create: ({ name }: { name: string }) => {
        const image = { name, sizeBytes: 6 * GB, createdAt: 1, owner: 'vm/p/closed' } as MachineImage;
        made.push(image);
        return Promise.resolve(image);
      },
      delete: () => Promise.resolve(void made.pop()),
    } as unknown as MachineImages;
    const provider = { list: () => Promise.resolve([machine]), describe: () => Promise.resolve(machine), images };
    const total = { cpus: 1, memoryMb: 1000, diskGb: 10 };
    const room = new HostRoom({ total, providers: [provider], log: pino({ level: 'silent' }) });
    await room.ready();
    const parts = { provider, room } as unknown as MachineActivityDependencies;
    const context = { workflowId: 'vm/p/closed', confirm: () => Promise.resolve() } as unknown as ActivityContext;
    const imageId = 'closed-1';
    await makeImage(parts, { machineId: 'closed', imageId, family: 'f' }, context);
    room.release('closed');
    expect(room.admit({ machineId: 'next', size: { ...size(1), diskGb: 6 } })).toBe(false);
    await deleteImage(parts, { machineId: 'closed', imageId, family: 'f' } as never, context);
    expect(room.usage().taken.diskGb).toBe(6);
  });
});

describe('what a host gives', () => {
  it('leaves memory for itself', () => {
    expect([memoryFor(512), memoryFor(2048), memoryFor(64_000)]).toEqual([0, 1024, 56_000]);
  });

  it('does not take a directory of machines that cannot be read for an empty one', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
    onTestFinished(() => rm(stateDir, { recursive: true }));
    const host = { cpus: 1, memoryMb: 1, diskGb: null } as Parameters<typeof hostCapacity>[0]['host'];
    expect((await hostCapacity({ host, stateDir })).diskGb).toBeGreaterThanOrEqual(0);
    await symlink('machines', join(stateDir, 'machines'));
    await expect(hostCapacity({ host, stateDir })).rejects.toThrow('ELOOP');
  });

  it('is not larger for the disk of an image that machines of an earlier worker lie over', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
    onTestFinished(() => rm(stateDir, { recursive: true }));
    const host = { cpus: 1, memoryMb: 1, diskGb: null } as Parameters<typeof hostCapacity>[0]['host'];
    const image = join(stateDir, 'image');
    await writeFile(image, new Uint8Array(64 * 1024 ** 2).fill(1), { mode: 0o444 });
    const before = (await hostCapacity({ host, stateDir })).diskGb;
    for (let number = 0; number < 320; number += 1) {
      const dir = join(stateDir, 'machines-qemu', `m-${number}`);
      await mkdir(dir, { recursive: true });
      await link(image, join(dir, 'base.qcow2'));
    }
    expect((await hostCapacity({ host, stateDir })).diskGb).toBeLessThan(before + 5);
  });

  it('is limited for guests always, for stand-ins only where it was set', () => {
    const unset = { host: { cpus: null, memoryMb: null, diskGb: null } };
    const set = { host: { cpus: null, memoryMb: 1024, diskGb: null } };
    expect(['qemu', 'local', 'gcp'].map((name) => takesRoom(name, unset))).toEqual([true, false, false]);
    expect(['qemu', 'local', 'gcp'].map((name) => takesRoom(name, set))).toEqual([true, true, false]);
  });
});
