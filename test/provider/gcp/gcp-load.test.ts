/** Many machines at once: the budget of API calls for a life, and destroys that creates do not hold up. */
import { setMaxListeners } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatOnGcp,
  gcpHarness,
  gcpRequest,
  warmClient,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';

const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal);
const MACHINES = 100;
const MOST_CALLS_PER_LIFE = 12;

beforeAll(warmClient);

describe('many machines', () => {
  let harness: GcpHarness;
  beforeEach(async () => {
    harness = await gcpHarness({ guests: { started: () => undefined, stopped: () => undefined } });
  });
  afterEach(() => harness.dispose());

  it('a hundred are created and destroyed at once within the budget of calls for each', async () => {
    const requests = Array.from({ length: MACHINES }, () =>
      gcpRequest({ spec: chatOnGcp({ zones: ['us-central1-a', 'us-central1-b'] }) }),
    );
    const machines = await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    expect(new Set(machines.map(({ address }) => address?.ip)).size).toBe(MACHINES);
    await Promise.all(machines.map(({ machineId }) => harness.provider.describe(machineId, never)));
    await Promise.all(machines.map(({ machineId }) => harness.provider.destroy(machineId, never)));
    const perLife = harness.server.calls.length / MACHINES;
    process.stdout.write(`gcp: ${perLife} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(perLife).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
    expect(harness.server.model.made).toBe(MACHINES);
    expect([harness.server.model.instances.size, harness.server.model.disks.size]).toEqual([0, 0]);
  });

  it('are all listed, however many pages that takes', async () => {
    const requests = Array.from({ length: 7 }, () => gcpRequest());
    await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    const listed = await harness.withOptions({ listPageSize: 2 }).list(never);
    expect(listed.map(({ machineId }) => machineId).sort()).toEqual(requests.map(({ machineId }) => machineId).sort());
    expect(harness.server.countOf('instances.aggregatedList')).toBe(4);
  });

  it('a destroy is not held up by creates that wait for their turn', async () => {
    const provider = harness.withOptions({ rate: { callsPerSecond: 20, burst: 20, reservedForDestroys: 0.25 } });
    const { machineId } = await provider.create(gcpRequest(), never);
    const cancel = new AbortController();
    setMaxListeners(0, cancel.signal);
    const creates = Array.from({ length: 60 }, () =>
      provider.create(gcpRequest(), { signal: cancel.signal }).catch(() => undefined),
    );
    const startedAt = Date.now();
    await provider.destroy(machineId, never);
    expect(Date.now() - startedAt).toBeLessThan(1500);
    expect(harness.server.countOf('instances.insert')).toBeLessThan(60);
    cancel.abort(new Error('enough'));
    await Promise.all(creates);
  });
});
