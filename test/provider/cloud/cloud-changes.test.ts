import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Machine, MachineAdoption, MachineImage, MachineProvider } from '../../../domain/machine/provider.ts';
import { onPaper, paperHarness, paperRequest, type PaperHarness } from '../../../test-support/paper-cloud/harness.ts';
import type { PaperServer } from '../../../test-support/paper-cloud/paper-model.ts';
import type { PaperFault } from '../../../test-support/paper-cloud/paper-server.ts';

const never = { signal: new AbortController().signal };
const agentBootstrap = { apiUrl: 'http://10.0.0.2:7400', secret: 'another' };

let harness: PaperHarness;
beforeEach(async () => {
  harness = await paperHarness();
});
afterEach(() => harness.dispose());

const fault = (operation: string, what: PaperFault['what'], times = 1): void => {
  harness.server.faults.push({ operation, what, times });
};
const countOf = (operation: string): number => harness.server.calls.filter((call) => call === operation).length;
const only = (machineId: string): PaperServer => {
  const found = harness.serversOf(machineId);
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe('stops and starts of a cloud', () => {
  let machineId: string;
  beforeEach(async () => {
    ({ machineId } = await harness.provider.create(paperRequest(), never));
  });
  const start = (provider = harness.provider): Promise<Machine> =>
    provider.power!.start({ machineId, agentBootstrap }, never);

  it('write down that a machine shall stop before it does, so that nobody takes its stop for its end', async () => {
    const seen: (string | undefined)[] = [];
    harness.server.hooks.set('POST servers/ID/VERB', () => {
      seen.push(only(machineId).tags['wish']);
      return Promise.resolve();
    });
    await harness.provider.power!.stop(machineId, never);
    await start();
    expect(seen).toEqual(['stopped', 'stopped']);
    expect(only(machineId).tags['wish']).toBe('');
    harness.server.model.crash(only(machineId));
    expect(await harness.restarted().describe(machineId, never)).toMatchObject({ status: 'ended' });
  });

  it('give its agent another proof before it starts, and none to one that only slept', async () => {
    await harness.provider.power!.stop(machineId, never);
    let atStart: string | null = null;
    harness.server.hooks.set('POST servers/ID/VERB', () => {
      atStart = only(machineId).secret;
      return Promise.resolve();
    });
    await start();
    expect(atStart).toBe('another');
    only(machineId).secret = 'of before';
    await harness.provider.power!.suspend!(machineId, never);
    await harness.provider.power!.resume!({ machineId, agentBootstrap }, never);
    expect(only(machineId).secret).toBe('of before');
  });

  it('keep the memory of a machine that is suspended, and start one from its disk whose memory is lost', async () => {
    const { power } = harness.provider;
    expect(await power!.suspend!(machineId, never)).toMatchObject({ status: 'suspended', address: null });
    expect(await harness.restarted().describe(machineId, never)).toMatchObject({ status: 'suspended' });
    only(machineId).status = 'stopped';
    expect(await harness.restarted().describe(machineId, never)).toMatchObject({ status: 'stopped' });
    expect(await power!.resume!({ machineId, agentBootstrap }, never)).toMatchObject({ status: 'running' });
    expect(only(machineId).secret).toBe('another');
  });

  it('are one stop and one start however often they are asked for at once', async () => {
    const ten = Array.from({ length: 10 });
    await Promise.all(ten.map(() => harness.provider.power!.stop(machineId, never)));
    await Promise.all(ten.map(() => start()));
    expect(countOf('POST servers/ID/VERB')).toBe(2);
    expect(only(machineId).status).toBe('running');
  });

  it.each(['before', 'after'] as const)('come true where a call or its answer is lost %s its effect', async (what) => {
    fault('POST servers/ID/VERB', what);
    expect(await harness.provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped' });
    fault('POST servers/ID/VERB', what);
    expect(await start()).toMatchObject({ status: 'running' });
  });

  it('of a machine that is not there end with its own code', async () => {
    await harness.restarted().destroy(machineId, never);
    await expect(start(harness.restarted())).rejects.toMatchObject({ code: 'machineEnded' });
    await expect(harness.provider.power!.stop(machineId, never)).rejects.toMatchObject({ code: 'machineEnded' });
  });

  it('are refused where the cloud says no, and the machine stays as it was', async () => {
    await harness.provider.power!.stop(machineId, never);
    fault('POST servers/ID/VERB', { status: 507, error: 'no room' });
    await expect(start()).rejects.toMatchObject({ code: 'noCapacity', terminal: false });
    expect(await harness.provider.describe(machineId, never)).toMatchObject({ status: 'stopped' });
    expect(await start()).toMatchObject({ status: 'running' });
  });

  it('that are refused for good leave no word of them, so that its own end is seen as one', async () => {
    fault('POST servers/ID/VERB', { status: 403, error: 'no permission' });
    await expect(harness.provider.power!.stop(machineId, never)).rejects.toMatchObject({ code: 'permissionDenied' });
    harness.server.model.crash(only(machineId));
    expect(await harness.restarted().describe(machineId, never)).toMatchObject({ status: 'ended' });
  });
});

describe('a machine of a cloud that changes its owner', () => {
  let machineId: string;
  beforeEach(async () => {
    const request = paperRequest({ owner: `warm/m-1`, madeFor: 'pool' });
    ({ machineId } = await harness.provider.create(request, never));
  });
  const adoption = (change: Partial<MachineAdoption> = {}): MachineAdoption => ({
    ...{
      machineId,
      from: 'warm/m-1',
      to: 'vm/default/lobby',
      uid: 'life-2',
      startSignature: 'signed',
      madeFor: 'pool',
    },
    ...{ spec: onPaper(), agentBootstrap },
    ...change,
  });
  const adopt = (
    change: Partial<MachineAdoption> = {},
    provider: MachineProvider = harness.provider,
  ): Promise<Machine> => provider.adopt!(adoption(change), never);

  it('is the new one’s with another proof, in one change, and again for the same one', async () => {
    const machine = await adopt();
    expect(machine).toMatchObject({ startSignature: 'signed', labels: { owner: 'vm/default/lobby', uid: 'life-2' } });
    expect(only(machineId).secret).toBe('another');
    expect(countOf('PATCH servers/ID')).toBe(1);
    expect(await adopt({}, harness.restarted())).toEqual(machine);
    expect(countOf('PATCH servers/ID')).toBe(1);
  });

  it('is not given to who may not have it', async () => {
    await expect(adopt({ from: 'warm/m-2' })).rejects.toMatchObject({ code: 'notSigned' });
    await expect(adopt({ madeFor: 'another pool' })).rejects.toMatchObject({ code: 'notSigned' });
    await adopt();
    await expect(adopt({ to: 'vm/default/other' })).rejects.toMatchObject({ code: 'notSigned' });
    const back = { from: 'vm/default/lobby', to: 'vm/default/other' };
    await expect(adopt(back)).rejects.toMatchObject({ code: 'notSigned' });
    expect(only(machineId).secret).toBe('another');
  });

  it('is one’s alone where two processes want it at the same moment', async () => {
    const wanted = ['one', 'two'].map((name) =>
      adopt({ to: `vm/default/${name}`, agentBootstrap: { ...agentBootstrap, secret: name } }, harness.restarted()),
    );
    const outcomes = await Promise.allSettled(wanted);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const owner = (await harness.provider.describe(machineId, never))?.labels.owner;
    expect(owner).toBe(`vm/default/${only(machineId).secret}`);
  });

  it('is who wrote last where the cloud compares nothing, and the other one is told', async () => {
    const { model } = harness.server;
    let others: string | undefined;
    harness.server.hooks.set('PATCH servers/ID', () => {
      // Right after this change another process writes what it wants.
      others ??= only(machineId).tags['record']!.replaceAll('warm/m-1', 'vm/default/two');
      setTimeout(() => Object.assign(only(machineId).tags, { record: others }), 1);
      return Promise.resolve();
    });
    await expect(adopt()).rejects.toMatchObject({ code: 'notSigned' });
    expect(model.made).toHaveLength(1);
  });

  it('is the new one’s where the answer to the change was lost, and ended where it is gone', async () => {
    fault('PATCH servers/ID', 'after');
    expect(await adopt()).toMatchObject({ labels: { owner: 'vm/default/lobby' } });
    harness.server.model.crash(only(machineId));
    await expect(adopt({ from: 'vm/default/lobby', to: 'vm/default/x' })).rejects.toMatchObject({
      code: 'machineEnded',
    });
  });
});

describe('an image of a machine of a cloud', () => {
  let machineId: string;
  let name: string;
  beforeEach(async () => {
    ({ machineId } = await harness.provider.create(paperRequest(), never));
    await harness.provider.power!.stop(machineId, never);
    name = `${machineId}-i1`;
  });
  const make = (provider = harness.provider, call = never): Promise<MachineImage> =>
    provider.images!.create({ name, family: 'lobby', machineId }, call);
  const count = (): number => harness.server.model.images.size;

  it.each(['before', 'after'] as const)(
    'is made once where the call or its answer is lost %s its effect',
    async (what) => {
      fault('POST images', what);
      expect(await make()).toMatchObject({ name, status: 'ready' });
      expect(count()).toBe(1);
    },
  );

  it('is one where two processes make it at once', async () => {
    const [first, second] = await Promise.all([make(), make(harness.restarted())]);
    expect(second).toEqual(first);
    expect(count()).toBe(1);
    expect(await make(harness.restarted())).toEqual(first);
    expect(await harness.provider.images!.list(never)).toEqual([first]);
  });

  it('that comes to nothing leaves nothing, and the next try makes it', async () => {
    harness.server.model.imagesFail = 1;
    await expect(make()).rejects.toMatchObject({ code: 'backendUnavailable', terminal: false });
    expect(count()).toBe(0);
    expect(await make()).toMatchObject({ status: 'ready' });
  });

  it('is refused for good by a quota that is used up', async () => {
    fault('POST images', { status: 507, error: 'no more images' });
    await expect(make()).rejects.toMatchObject({ code: 'imageQuotaExceeded', terminal: true });
  });

  it('goes where it is deleted while it is being made, and starts no machine before it is whole', async () => {
    harness.server.model.options.stepMs = 300;
    const given = new AbortController();
    const lost = make(harness.provider, given).catch((error: unknown) => error);
    await vi.waitFor(() => expect(count()).toBe(1));
    const from = paperRequest({ spec: onPaper({ startFrom: { imageId: name, host: null } }) });
    await expect(harness.provider.create(from, never)).rejects.toMatchObject({ code: 'imageGone' });
    given.abort(new Error('given up'));
    await lost;
    await harness.restarted().images!.delete(name, never);
    expect(count()).toBe(0);
  });

  it('that is deleted right before a machine is made from it ends that create with its own code', async () => {
    await make();
    const from = paperRequest({ spec: onPaper({ startFrom: { imageId: name, host: null } }) });
    harness.server.hooks.set('POST servers', () => {
      harness.server.model.images.clear();
      return Promise.resolve();
    });
    await expect(harness.provider.create(from, never)).rejects.toMatchObject({ code: 'imageGone', terminal: true });
    expect(harness.serversOf(from.machineId)).toEqual([]);
  });

  it('is deprecated on request, and an unknown one is not', async () => {
    await make();
    await harness.provider.images!.deprecate(name, never);
    expect(await harness.provider.images!.list(never)).toMatchObject([{ name, deprecated: true }]);
    await expect(harness.provider.images!.deprecate('m-none-i1', never)).rejects.toMatchObject({
      code: 'imageUnknown',
    });
  });
});
