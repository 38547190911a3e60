/** Many machines at once: the budget of API calls for a life, and destroys that creates do not hold up. */
import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ec2Harness, ec2Request, useMoto, type Ec2Harness } from '../../../test-support/ec2-server/harness.ts';

const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal);
const MACHINES = 100;
const MOST_CALLS_PER_LIFE = 12;

useMoto();

describe('many machines', () => {
  let harness: Ec2Harness;
  beforeEach(async () => {
    const nobody = { started: () => undefined, stopped: () => undefined, close: () => undefined };
    harness = await ec2Harness({ guests: nobody });
  });
  afterEach(() => harness.dispose());

  it(
    'a hundred are created and destroyed at once within the budget of calls for each',
    { timeout: 240_000 },
    async () => {
      const provider = harness.withOptions({ pollMs: 1000, backOff: { firstMs: 5, mostMs: 40, budgetMs: 120_000 } });
      const requests = Array.from({ length: MACHINES }, () => ec2Request());
      const machines = await Promise.all(requests.map((request) => provider.create(request, never)));
      expect(new Set(machines.map(({ address }) => address?.ip)).size).toBe(MACHINES);
      await Promise.all(machines.map(({ machineId }) => provider.describe(machineId, never)));
      await Promise.all(machines.map(({ machineId }) => provider.destroy(machineId, never)));
      const perLife = harness.server.calls.length / MACHINES;
      const counts = Object.fromEntries(ACTIONS.map((action) => [action, harness.server.countOf(action)]));
      process.stdout.write(
        `ec2: ${perLife} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE}): ${JSON.stringify(counts)}\n`,
      );
      expect(perLife).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
      expect([harness.server.ec2.instances.size, harness.server.ec2.alive.length]).toEqual([MACHINES, 0]);
    },
  );

  it('are all listed, however many pages that takes', async () => {
    const requests = Array.from({ length: 7 }, () => ec2Request());
    await Promise.all(requests.map((request) => harness.provider.create(request, never)));
    const before = harness.server.countOf('DescribeInstances');
    const listed = await harness.withOptions({ pageSize: 5 }).list(never);
    expect(listed.map(({ machineId }) => machineId).sort()).toEqual(requests.map(({ machineId }) => machineId).sort());
    expect(harness.server.countOf('DescribeInstances') - before).toBe(2);
  });

  it('a destroy is not held up by creates that wait for their turn', async () => {
    const provider = harness.withOptions({ rate: { callsPerSecond: 5, burst: 20, reservedForDestroys: 0.25 } });
    const { machineId } = await provider.create(ec2Request(), never);
    const cancel = new AbortController();
    setMaxListeners(0, cancel.signal);
    const creates = Array.from({ length: 60 }, () =>
      provider.create(ec2Request(), { signal: cancel.signal }).catch(() => undefined),
    );
    await provider.destroy(machineId, never);
    // Sixty creates take more than a minute at this rate.
    expect(harness.server.countOf('RunInstances')).toBeLessThan(60);
    cancel.abort(new Error('enough'));
    await Promise.all(creates);
  });
});

const ACTIONS = ['DescribeImages', 'RunInstances', 'DescribeInstances', 'TerminateInstances'];
