import { beforeAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CreateMachineRequest, MachineImage } from '../../../domain/machine/provider.ts';
import {
  chatOnDigitalOcean,
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';
import { recordTexts } from '../../../providers/cloud/record-texts.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';

const never = { signal: new AbortController().signal };
const WAIT = { timeout: 20_000, interval: 5 };

beforeAll(warmClient);

const diskOf = (harness: DigitalOceanHarness, machineId: string): Map<string, Buffer> =>
  harness.dropletsOf(machineId)[0]!.files;

describeImages('digitalocean', async () => {
  const harness = await digitalOceanHarness();
  return {
    ...harness,
    host: null,
    request: digitalOceanRequest,
    write: (machineId, text) => {
      diskOf(harness, machineId).set('word', Buffer.from(text));
      return Promise.resolve();
    },
    read: (machineId) => Promise.resolve(diskOf(harness, machineId).get('word')?.toString()),
  };
});

describe('a snapshot of a droplet', () => {
  let harness: DigitalOceanHarness;
  let machineId: string;
  let name: string;

  const begins = async (stepMs = 15): Promise<void> => {
    harness = await digitalOceanHarness({ stepMs });
    ({ machineId } = await harness.provider.create(digitalOceanRequest(), never));
    await harness.provider.power!.stop(machineId, never);
    name = `${machineId}-i1`;
  };
  beforeEach(() => begins());
  afterEach(() => harness.dispose());

  const make = (call = never, provider = harness.provider): Promise<MachineImage> =>
    provider.images!.create({ name, family: 'lobby', machineId }, call);
  const from = (zones: string[] = []): CreateMachineRequest =>
    digitalOceanRequest({ spec: chatOnDigitalOcean({ zones, startFrom: { imageId: name, host: null } }) });
  const own = () => [...harness.server.model.images.snapshots.values()];
  const snapshotActions = (): number => harness.server.countOf('dropletActions.snapshot');

  it('is listed whatever the snapshots beside it are called by others with the same account', async () => {
    await make();
    const [first] = own();
    [{}, [], [1], [1, 'test', 7]].forEach((written, index) => {
      const [text] = recordTexts(written, 900);
      harness.server.model.images.snapshots.set(9000 + index, {
        ...first!,
        id: 9000 + index,
        name: `ephemera ${text!}`,
      });
    });
    expect(await harness.provider.images!.list(never)).toMatchObject([{ name }]);
  });

  it('is made once where the answer to its action is lost', async () => {
    harness.server.faults.add({ method: 'dropletActions.snapshot', times: 1, what: { kind: 'resetAfter' } });
    expect(await make()).toMatchObject({ name, status: 'ready' });
    expect(own()).toHaveLength(1);
  });

  it('is adopted by another worker where the first one is gone in the middle', async () => {
    await harness.dispose();
    await begins(250);
    const first = new AbortController();
    const lost = make({ signal: first.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(snapshotActions()).toBe(1), WAIT);
    first.abort(new Error('the worker is gone'));
    expect(await lost).toMatchObject({ message: 'the worker is gone' });
    expect(await make(never, harness.restarted())).toMatchObject({ name, status: 'ready' });
    expect(own()).toHaveLength(1);
  });

  it('is waited for by another worker that deletes it, and does not come to be afterwards', async () => {
    const { actions } = harness.server.model;
    actions.hold();
    const first = new AbortController();
    const lost = make({ signal: first.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(snapshotActions()).toBe(1), WAIT);
    first.abort(new Error('the worker is gone'));
    await lost;
    const looks = harness.server.countOf('snapshots.list');
    const deleting = harness.restarted().images!.delete(name, never);
    const looksOn = (): void => expect(harness.server.countOf('snapshots.list')).toBeGreaterThan(looks + 4);
    await Promise.race([deleting, vi.waitFor(looksOn, WAIT)]);
    actions.release();
    await deleting;
    await vi.waitFor(() => expect([...actions.all.values()].map(({ status }) => status)).not.toContain('in-progress'));
    expect(own()).toEqual([]);
  });

  it('that fails leaves nothing, and the machine its disk; the next try makes it', async () => {
    harness.server.model.actions.failNext.set('snapshot', 1);
    await make().catch((error: unknown) => expect(error).toMatchObject({ terminal: false }));
    expect(await make(never, harness.restarted())).toMatchObject({ status: 'ready' });
    expect(own()).toHaveLength(1);
  });

  it('is in its region alone: a machine begins with it there, also where the spec prefers another', async () => {
    await make();
    expect((await harness.restarted().create(from(['ams3', 'nyc3']), never)).zone).toBe('nyc3');
    await expect(harness.provider.create(from(['ams3']), never)).rejects.toMatchObject({
      code: 'noCapacity',
      message: expect.stringMatching(/is in nyc3 alone/) as string,
    });
  });

  it('is no image that a spec may name, for it is the disk of somebody', async () => {
    await make();
    const spec = chatOnDigitalOcean({ image: String(own()[0]!.id) });
    await expect(harness.provider.create(digitalOceanRequest({ spec }), never)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringMatching(/field image: .*closed into/) as string,
    });
  });

  it('is taken by no new machine of its family once it is deprecated', async () => {
    await make();
    await harness.provider.images!.deprecate(name, never);
    expect(await harness.restarted().images!.list(never)).toMatchObject([{ name, deprecated: true }]);
  });
});
