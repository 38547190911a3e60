import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../../domain/vm/view.ts';
import { eventually, startStack, type Stack } from '../../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';

const MEMORY_MB = 512;
const PLACES = 2;

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  // Temporal keeps the order of a queue in each of its partitions; with one partition there is one order.
  server = await startTestServer({
    'matching.numTaskqueueReadPartitions': 1,
    'matching.numTaskqueueWritePartitions': 1,
  });
  stack = await startStack({ server, env: { EPHEMERA_HOST_MEMORY_MB: `${PLACES * MEMORY_MB}` } });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

async function ask(changes: Record<string, unknown> = {}): Promise<string> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.call('POST', '/v1/vms', { name, template: 'chat', ...changes });
  expect(status, JSON.stringify(body)).toBe(201);
  return name;
}

const look = async (name: string): Promise<VmView> => (await stack.call('GET', `/v1/vms/${name}`)).body;

const untilState = (name: string, state: VmView['state']): Promise<VmView> =>
  eventually(
    stack,
    `${name} ${state}`,
    async () => {
      const vm = await look(name);
      return vm.state === state ? vm : undefined;
    },
    60_000,
  );

const untilWaiting = (name: string): Promise<VmView> =>
  eventually(stack, `${name} waiting for room`, async () => {
    const vm = await look(name);
    return vm.state === 'creating' && vm.detail?.includes('waiting for a host with room') ? vm : undefined;
  });

async function end(...names: string[]): Promise<void> {
  for (const name of names) await stack.call('DELETE', `/v1/vms/${name}`);
  for (const name of names) await untilState(name, 'destroyed');
}

async function fill(): Promise<string[]> {
  const names: string[] = [];
  for (let place = 0; place < PLACES; place += 1) names.push(await ask());
  for (const name of names) await untilState(name, 'running');
  return names;
}

const machineCount = async (): Promise<number> => (await stack.machines()).length;

describe('a host that is full', () => {
  it('lets a third VM wait, says why, and gives it the place of one that is destroyed', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const [first, second] = await fill();
    const third = await ask();
    const full =
      /^noCapacity: waiting for a host with room: asked 1 cpus, 512 MB of memory, 0 GB of disk; free \d+ cpus, 0 MB of memory, \d+ GB of disk on host \S+; it is the next one$/;
    await eventually(stack, 'what it waits for', async () =>
      full.test((await look(third)).detail ?? '') ? true : undefined,
    );
    expect(await machineCount()).toBe(PLACES);
    await end(first!);
    const placed = await untilState(third, 'running');
    expect(placed.detail).toBeUndefined();
    await end(second!, third);
  });

  it('gives places to six in the order in which they came', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const names = await fill();
    for (let more = 0; more < 4; more += 1) {
      const name = await ask();
      names.push(name);
      // Its turn is since its create was asked of the host.
      await untilWaiting(name);
    }
    await eventually(stack, 'three beside the last', async () =>
      (await look(names.at(-1)!)).detail?.includes('3 wait beside it') ? true : undefined,
    );
    const ready: VmView[] = [];
    for (const [index, name] of names.entries()) {
      ready.push(await untilState(name, 'running'));
      expect(await machineCount()).toBeLessThanOrEqual(PLACES);
      for (const later of names.slice(index + PLACES)) expect((await look(later)).state).toBe('creating');
      await end(name);
    }
    // The first two had their places at once and boot side by side.
    const readyTimes = ready.slice(PLACES).map(({ readyAt }) => readyAt!);
    expect(readyTimes).toEqual([...readyTimes].sort());
  });

  it('is still full for a new worker, and its queue still in order', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const [first, second] = await fill();
    const third = await ask();
    await untilWaiting(third);
    const fourth = await ask();
    await untilWaiting(fourth);
    await stack.worker.kill();
    await stack.worker.start();
    const fifth = await ask();
    await eventually(stack, 'two beside the fifth', async () =>
      (await look(fifth)).detail?.includes('2 wait beside it') ? true : undefined,
    );
    expect(await machineCount()).toBe(PLACES);
    await end(first!);
    await untilState(third, 'running');
    expect((await look(fourth)).state).toBe('creating');
    await end(fifth, fourth, second!, third);
  });

  it('keeps nothing of a VM that is destroyed while it waits, and lets the next one go before', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const [first, second] = await fill();
    const third = await ask();
    await untilWaiting(third);
    const fourth = await ask();
    await untilWaiting(fourth);
    await end(third);
    expect(await machineCount()).toBe(PLACES);
    await end(first!);
    await untilState(fourth, 'running');
    await end(second!, fourth);
    expect(await stack.machines()).toEqual([]);
  });

  it('refuses at once what is bigger than the whole of it', async () => {
    const name = await ask({ memoryMb: PLACES * MEMORY_MB + 1 });
    const { reason, detail } = await untilState(name, 'failed');
    expect(reason).toBe('createFailed');
    expect(detail).toContain('bigger than this host');
    expect(detail).toContain(`the whole host gives`);
    expect(await stack.machines()).toEqual([]);
  });
});
