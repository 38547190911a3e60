import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Machine, MachineProvider } from '../../../domain/machine/provider.ts';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { onPaper, paperHarness, paperRequest, type PaperHarness } from '../../../test-support/paper-cloud/harness.ts';
import type { PaperOptions } from '../../../test-support/paper-cloud/paper-model.ts';
import type { PaperFault } from '../../../test-support/paper-cloud/paper-server.ts';

const never = { signal: new AbortController().signal };
const MAKE = 'POST servers';

describe.each([
  ['may make two servers of one request', {}],
  ['never makes two servers of one request', { makesOnce: true }],
])('a create on a cloud that %s', (_, promises) => {
  let harness: PaperHarness;
  const begin = async (model: PaperOptions = {}): Promise<void> => {
    harness = await paperHarness(model, promises);
  };
  afterEach(() => harness.dispose());

  const create = (request = paperRequest(), provider: MachineProvider = harness.provider): Promise<Machine> =>
    provider.create(request, never);
  const fault = (operation: string, what: PaperFault['what'], times = 1): void => {
    harness.server.faults.push({ operation, what, times });
  };
  const countOf = (operation: string): number => harness.server.calls.filter((call) => call === operation).length;

  it.each(['before', 'after'] as const)(
    'has one server where the call or its answer was lost %s its effect',
    async (what) => {
      await begin();
      fault(MAKE, what);
      const request = paperRequest();
      expect(await create(request)).toMatchObject({ status: 'running' });
      expect(harness.serversOf(request.machineId)).toHaveLength(1);
      expect([countOf(MAKE), harness.server.model.made.length]).toEqual(what === 'before' ? [2, 1] : [1, 1]);
    },
  );

  it('has one server where the answer was lost and the cloud shows what it made only later', async () => {
    await begin({ lagMs: 120 });
    fault(MAKE, 'after');
    const request = paperRequest();
    const machine = await create(request);
    await eventually(() => {
      expect(harness.serversOf(request.machineId)).toHaveLength(1);
      return Promise.resolve();
    });
    expect(await harness.restarted().describe(request.machineId, never)).toMatchObject({ address: machine.address });
    await eventually(async () => expect(await harness.countRunning(request.machineId)).toBe(1));
  });

  it('goes on to the next place where one has no room, and says where there was none', async () => {
    await begin();
    const { full } = harness.server.model;
    full.add('north-1');
    expect(await create()).toMatchObject({ zone: 'south-1', status: 'running' });
    full.add('south-1');
    await expect(create()).rejects.toMatchObject({
      code: 'noCapacity',
      terminal: false,
      message: expect.stringContaining('no room in north-1, south-1: no room in south-1') as string,
    });
    expect(harness.server.model.made).toHaveLength(1);
  });

  it('adopts what an earlier try made, wherever that is, and calls for no other', async () => {
    await begin();
    harness.server.model.full.add('north-1');
    const request = paperRequest();
    const first = await create(request);
    harness.server.model.full.clear();
    expect(await create(request, harness.restarted())).toEqual(first);
    expect([first.zone, countOf(MAKE)]).toEqual(['south-1', 2]);
  });

  it('is refused where the machine was taken away by the cloud, or has stopped by itself', async () => {
    await begin();
    const request = paperRequest();
    await create(request);
    harness.server.model.crash(harness.serversOf(request.machineId)[0]!);
    await expect(create(request, harness.restarted())).rejects.toMatchObject({ code: 'machineEnded' });
    expect(await harness.provider.list(never)).toMatchObject([{ status: 'ended', address: null }]);
  });

  it('ends where its machine goes while it is waited for', async () => {
    await begin({ stepMs: 150 });
    const request = paperRequest();
    const creating = create(request).catch((error: unknown) => error);
    await vi.waitFor(() => expect(harness.serversOf(request.machineId)).toHaveLength(1));
    const [server] = harness.serversOf(request.machineId);
    harness.server.model.crash(server!);
    expect(await creating).toMatchObject({ code: 'machineEnded' });
  });

  it('loses to a destroy in another process that came while its call was on its way', async () => {
    await begin();
    const request = paperRequest();
    let destroyed: Promise<void> | undefined;
    harness.server.hooks.set(MAKE, async () => {
      destroyed ??= harness.restarted().destroy(request.machineId, never);
      // Long after the other one has looked for the last time.
      await destroyed;
    });
    if ('makesOnce' in promises) {
      // The cloud itself refuses the name for good where it knows that one, and cannot where it has never heard it.
      await create(request).catch((error: unknown) => error);
      await harness.provider.destroy(request.machineId, never);
    } else {
      await expect(create(request)).rejects.toMatchObject({ code: 'machineEnded' });
    }
    expect(harness.serversOf(request.machineId)).toEqual([]);
  });

  it('in this process is given up by a destroy in it, and takes what it made with it', async () => {
    await begin({ stepMs: 100 });
    const request = paperRequest();
    let destroyed: Promise<void> | undefined;
    harness.server.hooks.set(MAKE, async () => {
      destroyed ??= harness.provider.destroy(request.machineId, never);
      await destroyed;
    });
    await expect(create(request)).rejects.toMatchObject({ code: 'machineEnded' });
    expect(harness.serversOf(request.machineId)).toEqual([]);
  });

  it('that the cloud gives up after it had accepted it leaves nothing, and has its next place', async () => {
    await begin();
    harness.server.model.fullLater.add('north-1');
    const request = paperRequest();
    if ('makesOnce' in promises) {
      // This cloud gives a name once, whatever came of it.
      await expect(create(request)).rejects.toMatchObject({ code: 'badSpec' });
    } else {
      expect(await create(request)).toMatchObject({ zone: 'south-1', status: 'running' });
      expect([...harness.server.model.servers.values()]).toMatchObject([{ place: 'south-1', status: 'running' }]);
    }
  });
});

describe('a create that a cloud refuses', () => {
  let harness: PaperHarness;
  afterEach(() => harness.dispose());

  const begin = async (): Promise<void> => {
    harness = await paperHarness();
  };
  const create = (request = paperRequest()): Promise<Machine> => harness.provider.create(request, never);
  const fault = (operation: string, what: PaperFault['what'], times = 1): void => {
    harness.server.faults.push({ operation, what, times });
  };
  const countOf = (operation: string): number => harness.server.calls.filter((call) => call === operation).length;

  it('waits and tries again where it is throttled, and tells so at last', async () => {
    await begin();
    fault(MAKE, { status: 429, error: 'slow down' }, 2);
    expect(await create()).toMatchObject({ status: 'running' });
    expect([countOf(MAKE), harness.server.model.made.length]).toEqual([3, 1]);
    fault(MAKE, { status: 429, error: 'slow down' }, Infinity);
    await expect(create()).rejects.toMatchObject({ code: 'rateLimited', terminal: false });
    expect(harness.server.model.made).toHaveLength(1);
  });

  it.each([
    ['an order that it does not take', 400, 'badSpec', true],
    ['a permission that is missing', 403, 'permissionDenied', true],
    ['a failure of its own that lasts', 500, 'backendUnavailable', false],
  ])('names %s, and leaves nothing', async (_what, status, code, terminal) => {
    await begin();
    fault(MAKE, { status, error: 'field size: too big' }, Infinity);
    await expect(create()).rejects.toMatchObject({
      ...{ code, terminal },
      message: expect.stringMatching(/create m-\w+: .*field size: too big/) as string,
    });
    expect(harness.server.model.made).toEqual([]);
    expect(countOf(MAKE) > 1).toBe(!terminal);
  });
});

describe('the calls of a cloud', () => {
  let harness: PaperHarness;
  afterEach(() => harness.dispose());

  it('of a hundred lives at once are few for each', async () => {
    harness = await paperHarness({ stepMs: 400 });
    const requests = Array.from({ length: 100 }, () => paperRequest());
    await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    const made = harness.server.calls.length;
    await Promise.all(requests.map(({ machineId }) => harness.provider.destroy(machineId, never)));
    const { calls } = harness.server;
    const perLife = calls.length / requests.length;
    console.log(
      `${made / 100} calls for a create, ${(calls.length - made) / 100} for a destroy: ${perLife} for a life`,
    );
    expect(perLife).toBeLessThan(12);
    expect(await harness.provider.list(never)).toEqual([]);
  });
});

describe('servers beside the first of their machine', () => {
  let harness: PaperHarness;
  afterEach(() => harness.dispose());

  const twin = (machineId: string): void => {
    const { model } = harness.server;
    const [server] = harness.serversOf(machineId);
    const { name, place, tags, secret } = server!;
    const second = model.make({ name, place, tags, secret }, null);
    Object.assign(second as object, { createdAt: server!.createdAt + 1 });
  };

  it('are no machines of their own, and go when the machine is listed again', async () => {
    harness = await paperHarness();
    const request = paperRequest();
    const machine = await harness.provider.create(request, never);
    twin(request.machineId);
    await eventually(async () => expect(await harness.countRunning(request.machineId)).toBe(2));
    expect(await harness.provider.describe(request.machineId, never)).toEqual(machine);
    expect(await harness.provider.list(never)).toEqual([machine]);
    expect(harness.serversOf(request.machineId)).toHaveLength(2);
    expect(await harness.provider.list(never)).toEqual([machine]);
    await eventually(async () => expect(await harness.countRunning(request.machineId)).toBe(1));
    expect(await harness.provider.describe(request.machineId, never)).toEqual(machine);
  });

  it('go with the machine, and before its create is repeated', async () => {
    harness = await paperHarness();
    const request = paperRequest();
    const machine = await harness.provider.create(request, never);
    twin(request.machineId);
    expect(await harness.restarted().create(request, never)).toEqual(machine);
    await eventually(() => {
      expect(harness.serversOf(request.machineId)).toHaveLength(1);
      return Promise.resolve();
    });
    twin(request.machineId);
    await harness.restarted().destroy(request.machineId, never);
    expect(harness.serversOf(request.machineId)).toEqual([]);
  });
});

describe('a create on a cloud that shows late what it made', () => {
  let harness: PaperHarness;
  afterEach(async () => {
    vi.restoreAllMocks();
    await harness.dispose();
  });

  it('goes on where the clock jumps meanwhile', async () => {
    harness = await paperHarness();
    const { model, hooks } = harness.server;
    let [jumpMs, looks] = [0, 0];
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + jumpMs);
    vi.spyOn(model, 'shown').mockImplementation(() => (looks < 4 ? [] : [...model.servers.values()]));
    hooks.set('GET servers', () => {
      if (model.made.length > 0) looks += 1;
      if (looks === 2) jumpMs = 3600_000;
      return Promise.resolve();
    });
    expect(await harness.provider.create(paperRequest(), never)).toMatchObject({ status: 'running' });
    expect(jumpMs).toBeGreaterThan(0);
  });

  it('ends with the first server where that shows last and takes longer to start, for that is the one that stays', async () => {
    harness = await paperHarness({ stepMs: 1500 });
    const { model, faults, hooks } = harness.server;
    faults.push({ operation: MAKE, what: 'after', times: 1 });
    hooks.set(MAKE, () => {
      if (model.made.length > 0) model.options.stepMs = 15;
      return Promise.resolve();
    });
    let showsAll = false;
    vi.spyOn(model, 'shown').mockImplementation(() => {
      const all = [...model.servers.values()];
      if (showsAll) return all;
      const [second] = all.filter(({ id }) => id === model.made[1]);
      showsAll = second?.status === 'running';
      return second === undefined ? [] : [second];
    });
    const request = paperRequest();
    const { address } = await harness.provider.create(request, never);
    const first = model.servers.get(model.made[0]!);
    expect(model.made).toHaveLength(2);
    expect(address?.ip).toBe(first?.ip);
    await eventually(() => expect(harness.serversOf(request.machineId)).toHaveLength(1));
  });
});

describe('what a cloud gave up after it had accepted it', () => {
  let harness: PaperHarness;
  afterEach(() => harness.dispose());

  it('is listed as an ended machine until it is removed, and in the way of nobody', async () => {
    harness = await paperHarness({ stepMs: 60 });
    const request = paperRequest();
    const given = new AbortController();
    const creating = harness.provider.create(request, given).catch((error: unknown) => error);
    await vi.waitFor(() => expect(harness.server.model.made).toHaveLength(1));
    given.abort(new Error('the worker is gone'));
    await creating;
    const { model } = harness.server;
    for (const server of model.servers.values()) model.giveUp(server, 'broken');
    const restarted = harness.restarted();
    expect(await restarted.list(never)).toMatchObject([{ machineId: request.machineId, status: 'ended' }]);
    expect(await restarted.create(request, never)).toMatchObject({ status: 'running' });
    expect(model.servers.size).toBe(1);
    for (const server of model.servers.values()) model.giveUp(server, 'broken');
    await restarted.destroy(request.machineId, never);
    expect([await restarted.list(never), model.servers.size]).toEqual([[], 0]);
  });
});

describe('a destroy', () => {
  let harness: PaperHarness;
  afterEach(() => harness.dispose());

  it('says that the id has ended before it removes anything, so that no other process makes it again', async () => {
    harness = await paperHarness();
    const request = paperRequest();
    await harness.provider.create(request, never);
    harness.server.calls.length = 0;
    await harness.restarted().destroy(request.machineId, never);
    const { calls } = harness.server;
    expect(calls.indexOf('PUT notes/ID')).toBeLessThan(calls.indexOf('DELETE servers/ID'));
    expect(harness.server.model.notes).toContain(serverNameOf('test', request.machineId));
    await expect(harness.restarted().create(request, never)).rejects.toMatchObject({ code: 'machineEnded' });
  });

  it('of a machine that no process has seen waits for a make that may be on its way', async () => {
    harness = await paperHarness({ lagMs: 150 });
    const request = paperRequest();
    const given = new AbortController();
    const creating = harness
      .restarted()
      .create(request, given)
      .catch((error: unknown) => error);
    await vi.waitFor(() => expect(harness.server.model.made).toHaveLength(1));
    given.abort(new Error('the worker is gone'));
    await creating;
    await harness.restarted().destroy(request.machineId, never);
    expect(harness.serversOf(request.machineId)).toEqual([]);
  });

  it('right after its create removes also what the cloud does not show yet', async () => {
    harness = await paperHarness({ lagMs: 150, stepMs: 1 });
    const request = paperRequest();
    const creating = harness.provider.create(request, never).catch((error: unknown) => error);
    await vi.waitFor(() => expect(harness.server.model.made).toHaveLength(1));
    await harness.provider.destroy(request.machineId, never);
    await creating;
    expect(harness.serversOf(request.machineId)).toEqual([]);
  });

  it('is not starved by creates that use up the calls', async () => {
    harness = await paperHarness({ stepMs: 40 });
    const slow = harness.withOptions({ callsPerSecond: 40, burst: 20 });
    const request = paperRequest({ spec: onPaper() });
    await slow.create(request, never);
    const cancel = new AbortController();
    const creating = Array.from({ length: 60 }, () => slow.create(paperRequest(), cancel).catch(() => undefined));
    await vi.waitFor(() => expect(harness.server.model.made.length).toBeGreaterThan(3), { timeout: 10_000 });
    await slow.destroy(request.machineId, never);
    const made = harness.server.model.made.length;
    expect(made).toBeLessThan(61);
    expect(harness.serversOf(request.machineId)).toEqual([]);
    cancel.abort(new Error('enough'));
    await Promise.all(creating);
  });
});
