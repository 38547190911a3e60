/** Everything that goes wrong at Azure, one by one. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CreateMachineRequest, Machine } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  azureHarness,
  azureRequest,
  chatOnAzure,
  nameOf,
  partsLeft,
  warmClient,
  type AzureHarness,
} from '../../../test-support/azure-server/harness.ts';

const never = { signal: new AbortController().signal };

beforeAll(warmClient, 60_000);

let harness: AzureHarness;
beforeEach(async () => {
  harness = await azureHarness();
});
afterEach(() => harness.dispose());

const create = (request: CreateMachineRequest = azureRequest()): Promise<Machine> =>
  harness.provider.create(request, never);
const fail = (method: string, times: number, what: FaultKind): void =>
  harness.server.faults.add({ method, times, what });
const answer = (status: number, reason: string, message = 'as asked', headers?: Record<string, string>): FaultKind => ({
  ...{ kind: 'answer', status, reason, message },
  ...(headers === undefined ? {} : { headers }),
});

async function refusal(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
}

/** One machine was made, with its parts and nothing beside them. */
function expectOne(machineId: string): void {
  const name = nameOf(machineId);
  expect(partsLeft(harness.server)).toEqual([name, `${name}-nic`, `${name}-os`]);
  expect(harness.server.model.vms.made).toBe(1);
}

const PUTS = ['networkInterfaces.createOrUpdate', 'virtualMachines.createOrUpdate'] as const;

describe('a lost reply of Azure', () => {
  it.each(PUTS.flatMap((method) => (['resetBefore', 'resetAfter'] as const).map((kind) => [method, kind] as const)))(
    'to %s (%s) makes one machine',
    async (method, kind) => {
      fail(method, 2, { kind });
      const { machineId } = await create();
      expectOne(machineId);
    },
  );

  it('around a delete leaves nothing', async () => {
    for (const kind of ['resetBefore', 'resetAfter'] as const) {
      const { machineId } = await create();
      fail('virtualMachines.delete', 1, { kind });
      fail('networkInterfaces.delete', 1, { kind });
      await harness.provider.destroy(machineId, never);
      expect(partsLeft(harness.server)).toEqual([]);
    }
  });

  it('to a make of a machine that is destroyed meanwhile leaves nothing', async () => {
    const request = azureRequest();
    fail('virtualMachines.createOrUpdate', 1, { kind: 'resetAfter' });
    const making = create(request).catch((error: unknown) => error);
    await eventually(() => expect(harness.server.countOf('virtualMachines.createOrUpdate')).toBeGreaterThan(0));
    await harness.restarted().destroy(request.machineId, never);
    expect(await making).toMatchObject({ code: 'machineEnded' });
    expect(partsLeft(harness.server)).toEqual([]);
  });
});

describe('a machine that is made by two processes at once', () => {
  it('is one machine, which both have', async () => {
    const request = azureRequest();
    const makers = Array.from({ length: 6 }, () => harness.restarted());
    const machines = await Promise.all(makers.map((provider) => provider.create(request, never)));
    for (const machine of machines) expect(machine).toEqual(machines[0]);
    expectOne(request.machineId);
  });
});

describe('a location without room', () => {
  const spec = chatOnAzure({ zones: ['westeurope-1', 'westeurope-2', 'northeurope'] });

  it('that says so at once is followed by the next', async () => {
    harness.server.model.vms.rooms.unavailable.add('1');
    const machine = await create(azureRequest({ spec }));
    expect(machine.zone).toBe('westeurope-2');
    expectOne(machine.machineId);
  });

  it('that says so at once is followed by one elsewhere, also while Azure keeps its network interface', async () => {
    harness.server.model.vms.rooms.unavailable.add('westeurope');
    harness.server.model.network.reservedMs = 400;
    const machine = await create(azureRequest({ spec }));
    expect(machine.zone).toBe('northeurope');
    expectOne(machine.machineId);
  });

  it('that says so after it has accepted the machine is followed by the next, and nothing of the try is left', async () => {
    harness.server.model.vms.rooms.stockedOut.add('1').add('2');
    const machine = await create(azureRequest({ spec }));
    expect(machine).toMatchObject({ zone: 'northeurope', status: 'running' });
    const name = nameOf(machine.machineId);
    expect(partsLeft(harness.server)).toEqual([name, `${name}-nic`, `${name}-os`]);
    expect(harness.server.model.vms.made).toBe(3);
  });

  it('everywhere is noCapacity with the words of Azure, and nothing is left', async () => {
    harness.server.model.vms.rooms.stockedOut.add('westeurope').add('northeurope');
    const error = await refusal(create(azureRequest({ spec })));
    expect(error).toMatchObject({ code: 'noCapacity', terminal: false });
    expect(error.message).toContain('AllocationFailed');
    expect(partsLeft(harness.server)).toEqual([]);
  });

  it('is tried again by a process that finds what another one left of its try', async () => {
    const request = azureRequest();
    harness.server.model.vms.rooms.stockedOut.add('westeurope');
    const cancel = new AbortController();
    const first = harness
      .restarted()
      .create(request, cancel)
      .catch((error: unknown) => error);
    await eventually(() => expect(harness.server.model.vms.made).toBe(1));
    cancel.abort(new Error('killed'));
    await first;
    harness.server.model.vms.rooms.stockedOut.clear();
    expect(await create(request)).toMatchObject({ status: 'running' });
    const name = nameOf(request.machineId);
    expect(partsLeft(harness.server)).toEqual([name, `${name}-nic`, `${name}-os`]);
  });
});

describe('what another process made and gave up', () => {
  it('keeps no machine from being made while it is being deleted', async () => {
    const spec = chatOnAzure({ zones: ['westeurope-1', 'westeurope-2'] });
    const request = azureRequest({ spec });
    const { model } = harness.server;
    model.vms.rooms.stockedOut.add('1');
    model.store.engine.stepMs = 400;
    const cancel = new AbortController();
    const making = harness.restarted().create(request, cancel);
    const first = making.catch((error: unknown) => error);
    await eventually(() => expect(model.of('virtualMachines')[0]?.properties.provisioningState).toBe('Deleting'));
    cancel.abort(new Error('killed'));
    await first;
    model.vms.rooms.stockedOut.clear();
    expect(await create(request)).toMatchObject({ status: 'running' });
    const name = nameOf(request.machineId);
    expect(partsLeft(harness.server)).toEqual([name, `${name}-nic`, `${name}-os`]);
  });
});

describe('a quota that is used up', () => {
  it.each([
    ['of the region', (room: AzureHarness['server']['model']['vms']['rooms']) => (room.coreQuota = 0)],
    [
      'of a family',
      (room: AzureHarness['server']['model']['vms']['rooms']) => room.familyQuotas.set('standardBsv2Family', 1),
    ],
  ])('%s is noCapacity, says which one, and leaves nothing', async (_, use) => {
    use(harness.server.model.vms.rooms);
    const error = await refusal(create());
    expect(error.code).toBe('noCapacity');
    expect(error.message).toMatch(/exceeding approved .* quota/);
    await eventually(async () => {
      await harness.provider.destroy(azureRequest().machineId, never);
      const left = await harness.provider.list(never);
      for (const { machineId } of left) await harness.provider.destroy(machineId, never);
      expect(partsLeft(harness.server)).toEqual([]);
    });
  });

  it('of marks of ended machines keeps no machine from being destroyed', async () => {
    const { machineId } = await create();
    harness.server.model.network.applicationGroupQuota = 0;
    await harness.provider.destroy(machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
    expect((await refusal(create(azureRequest({ machineId })))).code).toBe('machineEnded');
  });
});

describe('throttling', () => {
  it('is waited for as long as Azure asks, and one machine is made', async () => {
    const slow = answer(429, 'OperationNotAllowed', 'too many requests', { 'retry-after': '1' });
    fail('virtualMachines.createOrUpdate', 1, slow);
    fail('networkInterfaces.createOrUpdate', 1, slow);
    const startedAt = Date.now();
    const { machineId } = await create();
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1900);
    expectOne(machineId);
  });

  it('for longer than tries last is rateLimited, which is tried again', async () => {
    fail('virtualMachines.createOrUpdate', 99, answer(429, 'TooManyRequests'));
    const impatient = harness.withOptions({ backOff: { firstMs: 5, mostMs: 20, budgetMs: 200 } });
    const error = await refusal(impatient.create(azureRequest(), never));
    expect(error).toMatchObject({ code: 'rateLimited', terminal: false });
  });

  it.each([
    ['500', answer(500, 'InternalServerError')],
    ['503', answer(503, 'ServiceUnavailable')],
    ['409 of a busy part', answer(409, 'AnotherOperationInProgress')],
    ['409 of two writers', answer(409, 'RetryableError')],
  ])('or %s on every call is tried again', async (_, what) => {
    for (const method of ['virtualMachines.get', ...PUTS, 'virtualMachines.delete', 'networkInterfaces.delete']) {
      if (method !== 'virtualMachines.get' || what.kind !== 'answer' || what.status >= 500) fail(method, 1, what);
    }
    const { machineId } = await create();
    expectOne(machineId);
    await harness.provider.destroy(machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });
});

describe('what Azure does not allow', () => {
  it('is permissionDenied with the action that is missing, and leaves nothing', async () => {
    harness.server.model.store.denied.add('Microsoft.Compute/virtualMachines/write');
    const error = await refusal(create());
    expect(error.code).toBe('permissionDenied');
    expect(error.message).toContain('Microsoft.Compute/virtualMachines/write');
    await eventually(() => expect(partsLeft(harness.server)).toEqual([]));
  });

  it('a resource group that is not there is no machine that is gone', async () => {
    const elsewhere = harness.withOptions({ resourceGroup: 'typo' });
    for (const asked of [elsewhere.describe(azureRequest().machineId, never), elsewhere.list(never)]) {
      expect((await refusal(asked)).code).toBe('permissionDenied');
    }
  });

  it('no error, whatever it is of, has what a machine is told in it', async () => {
    fail('virtualMachines.createOrUpdate', 1, answer(400, 'BadRequest', 'no'));
    const secret = 'a-secret-nobody-logs';
    const request = azureRequest({ agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret } });
    const error = await refusal(create(request));
    const { inspect } = await import('node:util');
    const shown = inspect(error, { depth: 20, showHidden: true });
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain(Buffer.from(secret).toString('base64').slice(0, 16));
    expect(shown).not.toContain('customData');
  });
});

describe('a machine of which only a part was made', () => {
  it('is listed until it is destroyed, and destroyed it leaves nothing', async () => {
    const request = azureRequest({ spec: chatOnAzure({ externalIp: true }) });
    const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
    const provider = harness.withOptions({ rules });
    const cancel = new AbortController();
    fail('virtualMachines.createOrUpdate', 99, answer(503, 'ServiceUnavailable'));
    const making = provider.create(request, cancel).catch((error: unknown) => error);
    await eventually(() => expect(harness.server.countOf('virtualMachines.createOrUpdate')).toBeGreaterThan(0));
    cancel.abort(new Error('killed'));
    await making;
    const name = nameOf(request.machineId);
    expect(partsLeft(harness.server)).toEqual([`${name}-nic`, `${name}-ip`]);
    const swept = harness.withOptions({ rules });
    expect(await swept.list(never)).toMatchObject([{ machineId: request.machineId, labels: { owner: request.owner } }]);
    await swept.destroy(request.machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });

  it('is listed also when there is a public address alone', async () => {
    const request = azureRequest({ spec: chatOnAzure({ externalIp: true }) });
    const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
    const cancel = new AbortController();
    fail('networkInterfaces.createOrUpdate', 99, answer(503, 'ServiceUnavailable'));
    const making = harness.withOptions({ rules }).create(request, cancel);
    const first = making.catch((error: unknown) => error);
    await eventually(() => expect(harness.server.countOf('networkInterfaces.createOrUpdate')).toBeGreaterThan(0));
    cancel.abort(new Error('killed'));
    await first;
    expect(partsLeft(harness.server)).toEqual([`${nameOf(request.machineId)}-ip`]);
    const swept = harness.withOptions({ rules });
    expect(await swept.list(never)).toMatchObject([{ machineId: request.machineId, status: 'starting' }]);
    await swept.destroy(request.machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });
});

describe('marks of machines that ended more than a day ago', () => {
  afterEach(() => vi.restoreAllMocks());

  it('go behind everything else: where Azure does not take them away, lists answer all the same', async () => {
    const { faults, model } = harness.server;
    const { machineId } = await create();
    await harness.provider.destroy(machineId, never);
    const marks = (): string[] => model.names('applicationSecurityGroups');
    expect(marks()).toHaveLength(1);
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 25 * 3600_000);
    fail('applicationSecurityGroups.delete', 9999, answer(503, 'ServiceUnavailable'));
    const listing = harness.provider.list(never);
    await eventually(() => expect(harness.server.countOf('applicationSecurityGroups.delete')).toBeGreaterThan(0));
    expect(await listing).toEqual([]);
    faults.clear();
    await eventually(() => expect(marks()).toEqual([]));
  });
});

describe('an address on the internet that takes its time', () => {
  it('is asked for once, and its machine is made when it is there', async () => {
    await harness.dispose();
    harness = await azureHarness({ stepMs: 200 });
    const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
    const request = azureRequest({ spec: chatOnAzure({ externalIp: true }) });
    const machine = await harness.withOptions({ rules }).create(request, never);
    expect(machine).toMatchObject({ status: 'running' });
    expect(harness.server.countOf('publicIPAddresses.createOrUpdate')).toBe(1);
  });
});

describe('a public address whose maker died before there was an interface', () => {
  it('is listed as what is left of its machine, and goes with it', async () => {
    const request = azureRequest({ spec: chatOnAzure({ externalIp: true }) });
    const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
    const cancel = new AbortController();
    fail('networkInterfaces.createOrUpdate', 99, answer(503, 'ServiceUnavailable'));
    const making = harness
      .withOptions({ rules })
      .create(request, cancel)
      .catch((error: unknown) => error);
    await eventually(() => expect(harness.server.countOf('networkInterfaces.createOrUpdate')).toBeGreaterThan(0));
    cancel.abort(new Error('killed'));
    await making;
    expect(partsLeft(harness.server)).toEqual([`${nameOf(request.machineId)}-ip`]);
    const swept = harness.withOptions({ rules });
    expect(await swept.list(never)).toMatchObject([{ machineId: request.machineId, labels: { owner: request.owner } }]);
    await swept.destroy(request.machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });
});

describe('a machine whose end was noted by a worker with another first location', () => {
  it('is destroyed all the same', async () => {
    const { machineId } = await create();
    const killed = new AbortController();
    fail('virtualMachines.delete', 99, answer(503, 'ServiceUnavailable'));
    const before = harness
      .withOptions({ places: ['northeurope', 'westeurope'] })
      .destroy(machineId, killed)
      .catch((error: unknown) => error);
    await eventually(() => expect(harness.server.countOf('virtualMachines.delete')).toBeGreaterThan(0));
    killed.abort(new Error('killed'));
    await before;
    harness.server.faults.clear();
    await harness.provider.destroy(machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });
});

describe('a machine that Azure takes back', () => {
  it('has ended as preempted; one that crashed or was stopped by us has not', async () => {
    const spot = azureRequest({ spec: chatOnAzure({ spot: true }) });
    const { machineId } = await create(spot);
    expect(await harness.provider.endCause!(machineId, never)).toBeUndefined();
    harness.server.model.evict(nameOf(machineId));
    expect(await harness.provider.describe(machineId, never)).toMatchObject({ status: 'ended' });
    expect(await harness.restarted().endCause!(machineId, never)).toBe('preempted');
    await harness.provider.destroy(machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);

    const crashed = await create(azureRequest({ spec: chatOnAzure({ spot: true }) }));
    await harness.crash(crashed.machineId);
    expect(await harness.provider.endCause!(crashed.machineId, never)).toBeUndefined();
    const stopped = await create(azureRequest({ spec: chatOnAzure({ spot: true }) }));
    await harness.provider.power!.stop(stopped.machineId, never);
    expect(await harness.provider.endCause!(stopped.machineId, never)).toBeUndefined();
  });
});
