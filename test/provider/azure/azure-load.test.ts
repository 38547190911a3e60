/** Many machines at once: the budget of API calls for a life, and destroys that creates do not hold up. */
import { setMaxListeners } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  azureHarness,
  azureRequest,
  chatOnAzure,
  partsLeft,
  warmClient,
  type AzureHarness,
} from '../../../test-support/azure-server/harness.ts';

const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal);
const MACHINES = 100;
const MOST_CALLS_PER_LIFE = 13;

beforeAll(warmClient, 60_000);

describe('many machines', () => {
  let harness: AzureHarness;
  beforeEach(async () => {
    const guests = { started: () => undefined, stopped: () => undefined, close: () => undefined };
    harness = await azureHarness({ guests });
  });
  afterEach(() => harness.dispose());

  it('a hundred are created and destroyed at once within the budget of calls for each', async () => {
    const spec = chatOnAzure({ zones: ['westeurope-1', 'westeurope-2'] });
    const requests = Array.from({ length: MACHINES }, () => azureRequest({ spec }));
    // Looks are as far apart as a step of an operation takes on a busy computer, as they are in the cloud.
    const provider = harness.withOptions({ pollMs: 300 });
    const machines = await Promise.all(requests.map((request) => provider.create(request, never)));
    expect(new Set(machines.map(({ address }) => address?.ip)).size).toBe(MACHINES);
    await Promise.all(machines.map(({ machineId }) => provider.describe(machineId, never)));
    await Promise.all(machines.map(({ machineId }) => provider.destroy(machineId, never)));
    const perLife = harness.server.calls.length / MACHINES;
    process.stdout.write(`azure: ${perLife} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(perLife).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
    expect(harness.server.model.vms.made).toBe(MACHINES);
    expect(partsLeft(harness.server)).toEqual([]);
  });

  it('are all listed, however many pages that takes', async () => {
    const requests = Array.from({ length: 55 }, () => azureRequest());
    await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    const before = harness.server.countOf('virtualMachines.list');
    const listed = await harness.restarted().list(never);
    expect(listed.map(({ machineId }) => machineId).sort()).toEqual(requests.map(({ machineId }) => machineId).sort());
    expect(listed.every(({ status }) => status === 'running')).toBe(true);
    expect(harness.server.countOf('virtualMachines.list') - before).toBe(2);
  });

  it('a destroy is not held up by creates that wait for their turn', async () => {
    const provider = harness.withOptions({ rate: { callsPerSecond: 20, burst: 20, reservedForDestroys: 0.25 } });
    const { machineId } = await provider.create(azureRequest(), never);
    const cancel = new AbortController();
    setMaxListeners(0, cancel.signal);
    const creates = Array.from({ length: 60 }, () =>
      provider.create(azureRequest(), { signal: cancel.signal }).catch(() => undefined),
    );
    await provider.destroy(machineId, never);
    expect(harness.server.countOf('virtualMachines.createOrUpdate')).toBeLessThan(60);
    cancel.abort(new Error('enough'));
    await Promise.all(creates);
  });

  it('creates are held back where Azure says that few calls are left, and destroys are not', async () => {
    const { machineId } = await harness.provider.create(azureRequest(), never);
    harness.server.model.throttle.limits.set('PutVM', { calls: 3, windowMs: 60_000 });
    await harness.provider.create(azureRequest(), never);
    const startedAt = Date.now();
    await harness.provider.destroy(machineId, never);
    const destroyed = Date.now() - startedAt;
    await harness.provider.create(azureRequest(), never);
    expect(Date.now() - startedAt - destroyed).toBeGreaterThan(300);
    expect(harness.server.model.throttle.refused).toBe(0);
  });
});
