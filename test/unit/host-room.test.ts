import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RoomAnswer } from '../../activities/machine-room.ts';
import type { Machine } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { RoomSize } from '../../domain/room.ts';
import { qemuImageIn } from '../../providers/qemu/image-files.ts';
import { createQemuProvider } from '../../providers/qemu/qemu-provider.ts';
import { memoryFor, takesRoom } from '../../worker/host-capacity.ts';
import { HostRoom, type HostRoomWaits } from '../../worker/host-room.ts';

const size = (memoryMb: number): RoomSize => ({ cpus: 1, memoryMb, diskGb: 0 });
const WAITS: HostRoomWaits = { firstMs: 20, laterMs: 20, forgetMs: 60_000, relistMs: 5, mostAtOnce: 200 };

/** A room of 1000 MB over machines that the test makes and takes away. */
function roomOver(machines: Map<string, Partial<Machine>>, waits: Partial<HostRoomWaits> = {}) {
  const list = (): Promise<Machine[]> =>
    Promise.resolve([...machines].map(([machineId, facts]) => ({ machineId, ...facts }) as Machine));
  const room = new HostRoom({
    total: { cpus: 100, memoryMb: 1000, diskGb: 10 },
    providers: [{ list }],
    log: pino({ level: 'silent' }),
    waits: { ...WAITS, ...waits },
  });
  const asked = new Map<string, number>();
  const ask = (machineId: string, memoryMb = 400, signal = new AbortController().signal): Promise<RoomAnswer> => {
    const askedAt = asked.get(machineId) ?? asked.size;
    asked.set(machineId, askedAt);
    return room.reserve({ machineId, askedAt, size: size(memoryMb) }, signal);
  };
  const make = (machineId: string, memoryMb = 400): void => {
    machines.set(machineId, { status: 'running', size: size(memoryMb) });
    room.settle(machineId);
  };
  const destroy = (machineId: string): void => {
    machines.delete(machineId);
    room.release(machineId);
  };
  return { room, ask, make, destroy };
}

const kindOf = async (answer: Promise<RoomAnswer>): Promise<string> => (await answer).kind;

describe('the room of a host', () => {
  it('counts the machines that were there before the worker', async () => {
    const machines = new Map([['old', { status: 'running' as const, size: size(700) }]]);
    const { ask, destroy } = roomOver(machines);
    const refused = await ask('new');
    expect(refused).toMatchObject({ kind: 'refused', message: expect.stringContaining('300 MB of memory') as string });
    expect(await ask('old', 700)).toEqual({ kind: 'reserved' });
    destroy('old');
    expect(await kindOf(ask('new'))).toBe('reserved');
  });

  it('is reserved once for a machine, however often its create runs', async () => {
    const { room, ask, make } = roomOver(new Map());
    for (let time = 0; time < 5; time += 1) expect(await kindOf(ask('a'))).toBe('reserved');
    make('a');
    expect(await kindOf(ask('a'))).toBe('reserved');
    expect(room.usage().taken.memoryMb).toBe(400);
  });

  it('is given back by a create that left no machine behind', async () => {
    const { room, ask, make } = roomOver(new Map());
    await ask('kept', 600);
    make('kept', 600);
    await ask('failed');
    const next = ask('next');
    room.settle('failed');
    expect(await kindOf(next)).toBe('reserved');
  });

  it('goes to those that wait in the order of their first asking, also between two tries', async () => {
    const { ask, make, destroy } = roomOver(new Map());
    await ask('big', 1000);
    make('big', 1000);
    expect(await kindOf(ask('first'))).toBe('refused');
    expect(await kindOf(ask('second'))).toBe('refused');
    expect(await ask('third')).toMatchObject({ message: expect.stringContaining('2 wait before it') as string });
    destroy('big');
    expect(await kindOf(ask('third'))).toBe('refused');
    expect(await kindOf(ask('first'))).toBe('reserved');
    expect(await kindOf(ask('second'))).toBe('reserved');
  });

  it('wakes whoever waits as soon as there is some', async () => {
    const { ask, make, destroy } = roomOver(new Map(), { firstMs: 5000, relistMs: 5000 });
    await ask('old', 1000);
    make('old', 1000);
    const begun = Date.now();
    const waiting = ask('new');
    destroy('old');
    expect(await kindOf(waiting)).toBe('reserved');
    expect(Date.now() - begun).toBeLessThan(1000);
  });

  it('sees machines that somebody else took away, and those that ended by themselves', async () => {
    const machines = new Map<string, Partial<Machine>>();
    const { ask, make } = roomOver(machines, { firstMs: 2000 });
    await ask('swept', 500);
    make('swept', 500);
    await ask('crashed', 500);
    make('crashed', 500);
    const [one, two] = [ask('one', 500), ask('two', 500)];
    machines.delete('swept');
    expect(await kindOf(one)).toBe('reserved');
    machines.set('crashed', { status: 'ended', size: size(500) });
    expect(await kindOf(two)).toBe('reserved');
  });

  it('forgets whoever was cancelled while waiting, and lets the next one go', async () => {
    const { room, ask, make } = roomOver(new Map(), { firstMs: 5000 });
    await ask('old', 600);
    make('old', 600);
    const cancel = new AbortController();
    const big = ask('big', 900, cancel.signal);
    const small = ask('small');
    const reason = new Error('cancelled');
    cancel.abort(reason);
    await expect(big).rejects.toBe(reason);
    expect(await kindOf(small)).toBe('reserved');
    expect(room.usage().waiting).toBe(0);
  });

  it('forgets whoever does not come back, in the queue and with room given', async () => {
    const { ask, make, destroy } = roomOver(new Map(), { forgetMs: 30, firstMs: 10 });
    await ask('old', 1000);
    make('old', 1000);
    expect(await kindOf(ask('gone', 1000))).toBe('refused');
    destroy('old');
    const answers: string[] = [];
    for (let tries = 0; tries < 20 && answers.at(-1) !== 'reserved'; tries += 1)
      answers.push(await kindOf(ask('next')));
    expect(answers[0]).toBe('refused');
    expect(answers.at(-1)).toBe('reserved');
  });

  it('refuses for good what is bigger than the whole host', async () => {
    const { room, ask } = roomOver(new Map());
    const error = await ask('huge', 1001).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code: 'tooBig', terminal: true });
    expect(room.usage()).toMatchObject({ taken: { memoryMb: 0 }, waiting: 0 });
  });

  it('sends those far back in the queue away at once, so that what makes room can run', async () => {
    const { ask, make } = roomOver(new Map(), { firstMs: 60_000, mostAtOnce: 1 });
    await ask('old', 1000);
    make('old', 1000);
    const cancel = new AbortController();
    const near = ask('near', 400, cancel.signal);
    expect(await ask('far')).toMatchObject({ kind: 'refused', askAgainMs: 10_000 });
    cancel.abort(new Error('enough'));
    await expect(near).rejects.toThrow('enough');
  });

  it('is not given while nobody can tell which machines there are', async () => {
    const room = new HostRoom({
      total: size(1000),
      providers: [{ list: () => Promise.reject(new ProviderError('backendUnavailable', 'no answer')) }],
      log: pino({ level: 'silent' }),
    });
    const asked = room.reserve({ machineId: 'a', askedAt: 1, size: size(1) }, new AbortController().signal);
    await expect(asked).rejects.toThrow('no answer');
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
    const room = new HostRoom({ total, providers: [provider], log: pino({ level: 'silent' }), waits: WAITS });
    const request = { machineId: 'm-2', askedAt: 1, size: size(512) };
    expect(await kindOf(room.reserve(request, new AbortController().signal))).toBe('refused');
    expect(room.usage().taken).toEqual({ cpus: 2, memoryMb: 800, diskGb: 3 });
  });
});

describe('what a host gives', () => {
  it('leaves memory for itself', () => {
    expect([memoryFor(512), memoryFor(2048), memoryFor(64_000)]).toEqual([0, 1024, 56_000]);
  });

  it('is limited for guests always, for stand-ins only where it was set', () => {
    const unset = { host: { cpus: null, memoryMb: null, diskGb: null } };
    const set = { host: { cpus: null, memoryMb: 1024, diskGb: null } };
    expect(['qemu', 'local', 'gcp'].map((name) => takesRoom(name, unset))).toEqual([true, false, false]);
    expect(['qemu', 'local', 'gcp'].map((name) => takesRoom(name, set))).toEqual([true, true, false]);
  });
});
