/** Whole lives while replies are lost, calls are refused, operations fail and locations are full, in an order that a seed gives. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
import {
  azureHarness,
  azureRequest,
  chatOnAzure,
  partsLeft,
  warmClient,
  type AzureHarness,
} from '../../../test-support/azure-server/harness.ts';
import { seededRandom } from '../../../test-support/seeded-random.ts';

const LIVES = 10;
const ROUNDS = 30;
const never = { signal: new AbortController().signal };

const METHODS = [
  'virtualMachines.get',
  'virtualMachines.createOrUpdate',
  'virtualMachines.update',
  'virtualMachines.delete',
  'virtualMachines.deallocate',
  'virtualMachines.start',
  'networkInterfaces.createOrUpdate',
  'networkInterfaces.delete',
  'publicIPAddresses.createOrUpdate',
  'publicIPAddresses.delete',
  'disks.delete',
  'applicationSecurityGroups.createOrUpdate',
  'applicationSecurityGroups.get',
] as const;

const refused = (status: number, reason: string): FaultKind => ({
  ...{ kind: 'answer', status, reason },
  message: 'by chance',
});
const FAULTS: readonly FaultKind[] = [
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
  refused(500, 'InternalServerError'),
  refused(503, 'ServiceUnavailable'),
  refused(429, 'OperationNotAllowed'),
  refused(409, 'Conflict'),
];
const OPERATIONS = [
  'virtualMachines.createOrUpdate',
  'virtualMachines.delete',
  'virtualMachines.deallocate',
  'virtualMachines.start',
  'networkInterfaces.delete',
  'publicIPAddresses.delete',
] as const;
const PLACES = ['1', '2', 'northeurope'] as const;

let harness: AzureHarness;
let providers: MachineProvider[];

beforeAll(warmClient, 60_000);
beforeEach(async () => {
  harness = await azureHarness();
  const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
  const places = ['westeurope-1', 'westeurope-2', 'northeurope'];
  // As two workers: neither knows what the other one has done.
  providers = [0, 1].map(() => harness.withOptions({ rules, places }));
});
afterEach(() => harness.dispose());

type Random = ReturnType<typeof seededRandom>;

function one<Value>(random: Random, of: readonly Value[]): Value {
  return of[random(of.length)]!;
}

/** Something goes wrong with what comes next; or there is room again. */
function spoil(random: Random): void {
  const { model, faults } = harness.server;
  const { stockedOut, unavailable } = model.vms.rooms;
  faults.add({ method: one(random, METHODS), times: 1, what: one(random, FAULTS) });
  if (random(3) === 0) {
    const error = { code: one(random, ['InternalExecutionError', 'AllocationFailed']), message: 'by chance' };
    model.store.engine.failNext.set(one(random, OPERATIONS), { error, times: 1 });
  }
  if (random(4) === 0) stockedOut.add(one(random, PLACES));
  if (random(4) === 0) unavailable.add(one(random, PLACES));
  if (random(2) === 0) stockedOut.clear();
  if (random(2) === 0) unavailable.clear();
}

/** Tried again as an activity is, by either worker; resolves with what was said of tries that failed. */
async function tried(random: Random, work: (provider: MachineProvider) => Promise<unknown>): Promise<unknown[]> {
  const said: unknown[] = [];
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      await work(one(random, providers));
      return said;
    } catch (error) {
      said.push(error);
      if (error instanceof ProviderError && error.terminal) return said;
    }
  }
  return said;
}

/** Created by one or by two at once, now and then stopped and started, and destroyed. */
async function life(random: Random): Promise<unknown[]> {
  const request = azureRequest({ spec: chatOnAzure({ externalIp: random(2) === 0 }) });
  const { machineId, agentBootstrap } = request;
  const makers = Array.from({ length: 1 + random(2) }, () => tried(random, (one) => one.create(request, never)));
  const said = [...(await Promise.all(makers))];
  if (random(2) === 0) {
    said.push(await tried(random, ({ power }) => power!.stop(machineId, never)));
    said.push(await tried(random, ({ power }) => power!.start({ machineId, agentBootstrap }, never)));
  }
  said.push(await tried(random, (one) => one.destroy(machineId, never)));
  return said.flat();
}

it.each([3])(
  'whatever goes wrong, each failure has its code and nothing is left of any machine (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const lives = Promise.all(Array.from({ length: LIVES }, () => life(random)));
    const spoiled = (async () => {
      for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
        spoil(random);
        await sleep(30);
      }
    })();
    const said = (await lives).flat();
    await spoiled;
    const { server } = harness;
    for (const error of said) {
      expect(error).toBeInstanceOf(ProviderError);
      expect((error as ProviderError).code, String(error)).toMatch(
        /^(noCapacity|rateLimited|backendUnavailable|machineEnded)$/,
      );
    }
    expect(partsLeft(server), said.join('\n')).toEqual([]);
    expect([...harness.running.keys()]).toEqual([]);
    expect(await harness.restarted().list(never)).toEqual([]);
    console.log(`azure: seed ${seed}: ${server.calls.length} calls of ${LIVES} lives, ${said.length} tries failed`);
  },
);
