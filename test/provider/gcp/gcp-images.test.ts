import { beforeAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { LABEL, serverNameOf } from '../../../providers/cloud/resource-names.ts';
import {
  chatOnGcp,
  gcpHarness,
  gcpRequest,
  placesOf,
  warmClient,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';
import { DEFAULT_WORLD } from '../../../test-support/gce-server/server.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';
import type { CreateMachineRequest, MachineImage } from '../../../domain/machine/provider.ts';

const never = { signal: new AbortController().signal };
const WAIT = { timeout: 10_000, interval: 5 };

beforeAll(warmClient);

const diskOf = ({ server }: GcpHarness, machineId: string): Map<string, Buffer> => {
  const [place] = placesOf(server, machineId);
  return server.model.filesOf(...place!);
};

describeImages('gcp', async () => {
  const harness = await gcpHarness();
  return {
    ...harness,
    host: null,
    request: gcpRequest,
    write: (machineId, text) => {
      diskOf(harness, machineId).set('word', Buffer.from(text));
      return Promise.resolve();
    },
    read: (machineId) => Promise.resolve(diskOf(harness, machineId).get('word')?.toString()),
  };
});

describe('an image of a Compute Engine machine', () => {
  let harness: GcpHarness;
  let machineId: string;
  let name: string;

  const begins = async (stepMs = 15): Promise<void> => {
    harness = await gcpHarness({ stepMs });
    ({ machineId } = await harness.provider.create(gcpRequest(), never));
    diskOf(harness, machineId).set('word', Buffer.from('of before'));
    await harness.provider.power!.stop(machineId, never);
    name = `${machineId}-i1`;
  };
  beforeEach(() => begins());
  afterEach(() => harness.dispose());

  const make = (call = never, provider = harness.provider): Promise<MachineImage> =>
    provider.images!.create({ name, family: 'lobby', machineId }, call);
  const from = (more: Partial<CreateMachineRequest['spec']> = {}): CreateMachineRequest =>
    gcpRequest({ spec: chatOnGcp({ ...more, startFrom: { imageId: name, host: null } }) });
  const own = () => harness.server.model.images.own();
  /** The machine has its disk, and goes on. */
  const goesOn = async (): Promise<void> => {
    expect((await harness.provider.power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
    expect(diskOf(harness, machineId).get('word')?.toString()).toBe('of before');
  };

  it('says in its labels whose it is, and is of a family that no other project has', async () => {
    await make();
    const [image] = own();
    expect(image!.name).toBe(serverNameOf('test', name));
    expect(image!.labels).toMatchObject({
      [LABEL.deployment]: 'test',
      [LABEL.owner]: 'vm_default_lobby',
      [LABEL.project]: 'default',
      [LABEL.vm]: 'lobby',
    });
    expect(image!.family).toMatch(/^eph-test-default-lobby-h/);
    expect(JSON.stringify(image)).not.toContain('one-time');
  });

  it('is made once where the answer to its insert is lost', async () => {
    harness.server.faults.add({ method: 'images.insert', times: 1, what: { kind: 'resetAfter' } });
    expect(await make()).toMatchObject({ name, status: 'ready' });
    expect(harness.server.model.images.made).toBe(1);
    expect(own()).toHaveLength(1);
  });

  it('is adopted by another worker where the first one is gone in the middle', async () => {
    await harness.dispose();
    await begins(250);
    const first = new AbortController();
    const lost = make({ signal: first.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(own()[0]?.status).toBe('PENDING'), WAIT);
    first.abort(new Error('the worker is gone'));
    expect(await lost).toMatchObject({ message: 'the worker is gone' });
    expect(await make(never, harness.restarted())).toMatchObject({ name, status: 'ready' });
    expect([harness.server.countOf('images.insert'), own().length]).toEqual([1, 1]);
  });

  it('goes where it is deleted before Compute Engine has begun with it, or in its middle', async () => {
    for (const status of [undefined, 'PENDING']) {
      await harness.dispose();
      await begins(250);
      const given = new AbortController();
      const lost = make({ signal: given.signal }).catch((error: unknown) => error);
      await vi.waitFor(() => {
        expect(harness.server.countOf('images.insert')).toBe(1);
        expect(own()[0]?.status).toBe(status);
      }, WAIT);
      given.abort(new Error('given up'));
      await lost;
      await harness.restarted().images!.delete(name, never);
      expect(own()).toEqual([]);
      const open = [...harness.server.model.engine.operations.values()].filter((one) => one.status !== 'DONE');
      expect(open, 'nothing is still to come').toEqual([]);
    }
  });

  it('that fails leaves nothing, and the machine its disk; the next try makes it', async () => {
    harness.server.model.images.failures.push({ code: 'INTERNAL_ERROR', message: 'Internal error.' });
    await expect(make()).rejects.toMatchObject({ code: 'backendUnavailable' });
    expect(own()).toEqual([]);
    await goesOn();
    await harness.provider.power!.stop(machineId, never);
    expect(await make(never, harness.restarted())).toMatchObject({ status: 'ready' });
  });

  it.each([
    ['a quota that is used up', 'imageQuotaExceeded', /IMAGES/],
    ['a permission that is missing', 'permissionDenied', /compute\.images\.create/],
  ])('is refused for good by %s, which it names', async (_, code, words) => {
    const { model } = harness.server;
    if (code === 'permissionDenied') model.denied.add('compute.images.create');
    else model.images.quota = 0;
    await expect(make()).rejects.toMatchObject({
      code,
      terminal: true,
      message: expect.stringMatching(words) as string,
    });
    expect(own()).toEqual([]);
    await goesOn();
  });

  it('starts machines in any zone, with a disk that is as large as it at least', async () => {
    const big = gcpRequest({ spec: chatOnGcp({ diskGb: 40 }) });
    await harness.provider.create(big, never);
    await harness.provider.power!.stop(big.machineId, never);
    name = `${big.machineId}-i1`;
    await harness.provider.images!.create({ name, family: 'lobby', machineId: big.machineId }, never);
    const again = from({ zones: ['europe-west1-b'], diskGb: 20 });
    expect(await harness.provider.create(again, never)).toMatchObject({ zone: 'europe-west1-b', status: 'running' });
    const disk = harness.server.model.disks.get(`europe-west1-b/${serverNameOf('test', again.machineId)}`);
    expect(disk!.sizeGb).toBe(40);
  });

  it('that is deleted while a machine is made from it ends that create with its own code', async () => {
    await harness.dispose();
    await begins(150);
    await make();
    const request = from();
    const creating = harness.provider.create(request, never).catch((error: unknown) => error);
    await vi.waitFor(() => expect(harness.server.countOf('instances.insert')).toBe(2), WAIT);
    harness.server.model.images.images.delete(`${DEFAULT_WORLD.project}/${own()[0]!.name}`);
    expect(await creating).toMatchObject({ code: 'imageGone', terminal: true });
    expect(placesOf(harness.server, request.machineId)).toEqual([]);
  });

  it('starts no machine before it is whole', async () => {
    await harness.dispose();
    await begins(250);
    const making = make();
    await vi.waitFor(() => expect(own()[0]?.status).toBe('PENDING'), WAIT);
    await expect(harness.provider.create(from(), never)).rejects.toMatchObject({ code: 'imageGone' });
    await making;
    expect((await harness.provider.create(from(), never)).status).toBe('running');
  });

  it('is deleted once nothing is made from it any more', async () => {
    await make();
    harness.server.faults.add({
      method: 'images.delete',
      times: 2,
      what: { kind: 'answer', status: 400, reason: 'resourceInUseByAnotherResource', message: 'is already being used' },
    });
    await harness.provider.images!.delete(name, never);
    expect(own()).toEqual([]);
  });

  it('is deprecated on request, and still what its session is reopened from', async () => {
    await make();
    await harness.provider.images!.deprecate(name, never);
    await harness.provider.images!.deprecate(name, never);
    expect(await harness.provider.images!.list(never)).toMatchObject([{ name, deprecated: true, status: 'ready' }]);
    expect((await harness.provider.create(from(), never)).status).toBe('running');
    await expect(harness.provider.images!.deprecate('m-none-i1', never)).rejects.toMatchObject({
      code: 'imageUnknown',
    });
  });

  it('is no image that a spec may name, for it is the disk of the users of one project', async () => {
    await make();
    const [{ name: kept } = { name: '' }] = own();
    const family = own()[0]!.family!;
    for (const image of [kept, `family/${family}`, `projects/${DEFAULT_WORLD.project}/global/images/${kept}`]) {
      const spec = { ...chatTemplateSpec('gcp'), image };
      await expect(harness.provider.create(gcpRequest({ spec }), never)).rejects.toMatchObject({
        code: 'badSpec',
        message: expect.stringContaining('reopen') as string,
      });
      const settings = { ...SETTINGS, project: DEFAULT_WORLD.project };
      expect(gcp.refuse(spec, settings)).toMatchObject({ code: 'invalidRequest', field: 'image' });
    }
  });
});

const SETTINGS = {
  zones: [],
  rules: { networks: ['default'], externalIp: 'never', machineTypes: ['e2-*'] },
  endpoint: null,
  serviceAccount: null,
  diskType: 'pd-balanced',
  vmServerUrl: null,
} as unknown as Parameters<NonNullable<typeof gcp.refuse>>[1];
