/** Many machines at once: the budget of API calls for a life, and destroys that creates do not hold up. */
import { setMaxListeners } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';
import { tagsOfRequest } from '../../../providers/digitalocean/droplet/droplet-tags.ts';
import { DIGITALOCEAN_RULES } from '../../../providers/digitalocean/rules.ts';
import { CallBudget } from '../../../providers/call-budget.ts';
import {
  chatOnDigitalOcean,
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  WIDE_LIMITS,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';
import { eventually } from '../../../test-support/eventually.ts';

const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal);
const MACHINES = 100;
const MOST_CALLS_PER_LIFE = 12;
const NOBODY = { started: () => undefined, stopped: () => undefined, close: () => undefined };

beforeAll(warmClient);

describe('many machines', () => {
  let harness: DigitalOceanHarness;
  beforeEach(async () => {
    harness = await digitalOceanHarness({ guests: NOBODY });
  });
  afterEach(() => harness.dispose());

  const tagsOfMachines = (): string[] =>
    harness.server.model.tags
      .all()
      .map(({ name }) => name)
      .filter((name) => /^ephemera-(record|agent-secret|machine-key):/.test(name));

  it('a hundred are created and destroyed at once within the budget of calls for each', async () => {
    const requests = Array.from({ length: MACHINES }, () =>
      digitalOceanRequest({ spec: chatOnDigitalOcean({ zones: ['nyc3', 'ams3'] }) }),
    );
    const machines = await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    expect(new Set(machines.map(({ address }) => address?.ip)).size).toBe(MACHINES);
    await Promise.all(machines.map(({ machineId }) => harness.provider.describe(machineId, never)));
    await Promise.all(machines.map(({ machineId }) => harness.provider.destroy(machineId, never)));
    await eventually(() => expect(tagsOfMachines()).toEqual([]), 20_000);
    const perLife = harness.server.calls.length / MACHINES;
    process.stdout.write(`digitalocean: ${perLife} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(perLife).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
    expect(harness.server.model.made).toBe(MACHINES);
    expect(harness.server.model.droplets.size).toBe(0);
  });

  it('are all listed, however many pages that takes', async () => {
    const requests = Array.from({ length: 205 }, () => digitalOceanRequest());
    for (const request of requests) {
      const [name, tags] = [
        serverNameOf('test', request.machineId),
        tagsOfRequest(request, 'test', DIGITALOCEAN_RULES, 1),
      ];
      harness.server.model.create({ name, tags, ...LIKE });
    }
    const listed = await harness.provider.list(never);
    expect(listed.map(({ machineId }) => machineId).sort()).toEqual(requests.map(({ machineId }) => machineId).sort());
    expect(harness.server.countOf('droplets.list')).toBe(2);
  });

  it('a destroy is not held up by creates that wait for their turn', async () => {
    const budget = new CallBudget({ rate: { callsPerSecond: 20, burst: 20, reservedForDestroys: 0.25 } });
    const provider = harness.withOptions({ budget });
    const { machineId } = await provider.create(digitalOceanRequest(), never);
    const cancel = new AbortController();
    setMaxListeners(0, cancel.signal);
    const creates = Array.from({ length: 60 }, () =>
      provider.create(digitalOceanRequest(), { signal: cancel.signal }).catch(() => undefined),
    );
    await provider.destroy(machineId, never);
    expect(harness.server.countOf('droplets.create'), 'few had their turn by then').toBeLessThan(60);
    cancel.abort(new Error('enough'));
    await Promise.all(creates);
  });

  it('leave the last requests of the hour to destroys', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(digitalOceanRequest(), never);
    const limit = 400;
    server.model.rateLimit.limits = { ...WIDE_LIMITS, limit };
    const other = harness.restarted();
    while (server.calls.length < limit - 18) await other.describe(machineId, never).catch(() => undefined);
    // Its answer tells how few are left, if nothing before did.
    await provider.list(never).catch(() => undefined);
    const before = server.calls.length;
    await expect(provider.list(never)).rejects.toMatchObject({ code: 'rateLimited', terminal: false });
    expect(server.calls.length, 'nothing was sent').toBe(before);
    await provider.destroy(machineId, never);
    expect(server.model.droplets.size).toBe(0);
  });
});

const LIKE = { region: 'nyc3', size: 's-1vcpu-1gb', image: 'ubuntu-24-04-x64' };
