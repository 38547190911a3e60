/** Several workers on one machine, while DigitalOcean loses answers, shows tags late and gives up what it has taken. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tagsOfRequest } from '../../../providers/digitalocean/droplet/droplet-tags.ts';
import { DIGITALOCEAN_RULES } from '../../../providers/digitalocean/rules.ts';
import {
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';
import { eventually } from '../../../test-support/eventually.ts';

const never = { signal: new AbortController().signal };

beforeAll(warmClient);

let harness: DigitalOceanHarness;
beforeEach(async () => {
  harness = await digitalOceanHarness({ stepMs: 150 });
});
afterEach(() => harness.dispose());

const droplets = (): string[] => [...harness.server.model.droplets.values()].map(({ name }) => name);
const loseCreates = (times: number): void =>
  harness.server.faults.add({ method: 'droplets.create', times, what: { kind: 'resetAfter' } });

describe('a machine that three workers create', () => {
  it('is one droplet, though none of them heard an answer', async () => {
    loseCreates(3);
    const request = digitalOceanRequest();
    const workers = [harness.provider, harness.restarted(), harness.restarted()];
    const machines = await Promise.all(workers.map((worker) => worker.create(request, never)));
    // What came late goes with the sweeps, whose list finds it.
    await eventually(async () => {
      await harness.provider.list(never);
      expect(droplets()).toHaveLength(1);
    });
    const [droplet] = harness.dropletsOf(request.machineId);
    expect(machines.map(({ address }) => address?.ip)).toEqual(Array(3).fill(droplet?.privateIp));
    await harness.restarted().destroy(request.machineId, never);
    expect(droplets()).toEqual([]);
  });

  it('is none when a fourth one destroys it meanwhile', async () => {
    loseCreates(2);
    const request = digitalOceanRequest();
    const workers = [harness.provider, harness.restarted(), harness.restarted()];
    const creating = workers.map((worker) => worker.create(request, never).catch((error: unknown) => error));
    await harness.restarted().destroy(request.machineId, never);
    for (const outcome of await Promise.all(creating)) expect(outcome).toMatchObject({ code: 'machineEnded' });
    expect(droplets()).toEqual([]);
  });
});

describe('tags that lists show late', () => {
  it('hide no machine from another worker', async () => {
    harness.server.model.tags.lagMs = 3_600_000;
    const request = digitalOceanRequest();
    const { machineId } = await harness.provider.create(request, never);
    const other = harness.restarted();
    expect((await other.list(never)).map((machine) => machine.machineId)).toEqual([machineId]);
    expect(await other.create(request, never)).toMatchObject({ machineId, status: 'running' });
    expect(harness.server.model.made).toBe(1);
    await other.destroy(machineId, never);
    expect(droplets()).toEqual([]);
  });
});

describe('a droplet that never comes up', () => {
  it('is removed by whoever destroys the machine', async () => {
    const { actions } = harness.server.model;
    actions.failNext.set('create', 1);
    harness.server.model.failedCreateLeaves = 'new';
    const request = digitalOceanRequest();
    const giveUp = new AbortController();
    const creating = harness.provider.create(request, { signal: giveUp.signal }).catch((error: unknown) => error);
    await eventually(() => expect([...actions.all.values()].map(({ status }) => status)).toContain('errored'));
    expect(droplets()).toHaveLength(1);
    giveUp.abort(new Error('it took too long'));
    await creating;
    await harness.restarted().destroy(request.machineId, never);
    expect(droplets()).toEqual([]);
  });
});

describe('what is being done to a droplet', () => {
  it('holds its destroy up until it has ended, and no longer', async () => {
    const { machineId } = await harness.provider.create(digitalOceanRequest(), never);
    const [droplet] = harness.dropletsOf(machineId);
    const { actions } = harness.server.model;
    actions.hold();
    actions.start({ type: 'rename', of: droplet!, finish: () => undefined });
    const ending = harness.provider.destroy(machineId, never);
    await eventually(() => expect(harness.server.countOf('droplets.delete')).toBeGreaterThan(1));
    expect(droplets()).toHaveLength(1);
    actions.release();
    await ending;
    expect(droplets()).toEqual([]);
  });
});

describe('a droplet that comes when its machine is gone', () => {
  it('and while the tags of the one before are taken away keeps its own, so that a sweep finds it and it goes', async () => {
    const { model } = harness.server;
    const asked: Parameters<typeof model.create>[0][] = [];
    const make = model.create.bind(model);
    vi.spyOn(model, 'create').mockImplementation((body) => {
      asked.push(body);
      return make(body);
    });
    const request = digitalOceanRequest();
    await harness.provider.create(request, never);
    // What another worker asks for.
    const late = { ...asked[0]!, tags: tagsOfRequest(request, 'test', DIGITALOCEAN_RULES, Date.now()) };
    const clear = model.tags.delete.bind(model.tags);
    const clearing = vi.spyOn(model.tags, 'delete').mockImplementation((name) => {
      if (droplets().length === 0 && name.startsWith('ephemera-record:')) make(late);
      clear(name);
    });
    await harness.restarted().destroy(request.machineId, never);
    await eventually(() => expect(droplets()).toHaveLength(1));
    await eventually(() => expect(clearing.mock.calls.length).toBeGreaterThan(1));
    const sweeper = harness.restarted();
    expect(await sweeper.list(never)).toMatchObject([
      { machineId: request.machineId, labels: { owner: request.owner } },
    ]);
    await sweeper.destroy(request.machineId, never);
    expect(droplets()).toEqual([]);
  });
});
