/** Everything that goes wrong in the cloud, one by one, with the provider's calls counted. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest, Machine } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { CallBudget } from '../../../providers/call-budget.ts';
import { DigitalOceanCalls } from '../../../providers/digitalocean/calls/digitalocean-calls.ts';
import { digitalOceanClient } from '../../../providers/digitalocean/calls/digitalocean-client.ts';
import { TagCleaning } from '../../../providers/digitalocean/droplet/tag-cleaning.ts';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
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
const [FIRST, SECOND] = ['nyc3', 'ams3'] as const;

beforeAll(warmClient);

let harness: DigitalOceanHarness;
beforeEach(async () => {
  harness = await digitalOceanHarness();
});
afterEach(() => harness.dispose());

const create = (request: CreateMachineRequest = digitalOceanRequest()): Promise<Machine> =>
  harness.provider.create(request, never);
const count = (operation: string): number => harness.server.countOf(operation);
const fail = (method: string, times: number, what: FaultKind): void =>
  harness.server.faults.add({ method, times, what });
const answer = (
  status: number,
  message = 'as asked',
  headers: Record<string, string> = {},
  reason = 'as_asked',
): FaultKind => ({ kind: 'answer', status, reason, message, headers });
const unprocessable = (message: string): FaultKind => answer(422, message, {}, 'unprocessable_entity');

async function refusal(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
}

/** One droplet was left of however many were made, and it is that of the machine. */
async function expectOne({ machineId }: Machine): Promise<void> {
  await eventually(() => {
    expect([...harness.server.model.droplets.values()].map(({ name }) => name)).toEqual([`eph-test-${machineId}`]);
  });
}

const expectNothing = (): void => expect([...harness.server.model.droplets.values()]).toEqual([]);

describe('a connection that breaks', () => {
  it('before the create took effect: it is made again, one droplet in all', async () => {
    fail('droplets.create', 1, { kind: 'resetBefore' });
    await expectOne(await create());
    expect([count('droplets.create'), harness.server.model.made]).toEqual([2, 1]);
  });

  it('after the create took effect: the droplet is found by its name and kept, no second one is made', async () => {
    fail('droplets.create', 1, { kind: 'resetAfter' });
    await expectOne(await create());
    expect([count('droplets.create'), harness.server.model.made]).toEqual([1, 1]);
  });

  it('around a destroy: the droplet is gone all the same', async () => {
    for (const kind of ['resetBefore', 'resetAfter'] as const) {
      const { machineId } = await create();
      fail('droplets.delete', 1, { kind });
      fail('tags.create', 1, { kind });
      await harness.provider.destroy(machineId, never);
      expectNothing();
    }
  });

  it('in the middle of any other call: that is made again', async () => {
    for (const operation of ['droplets.list', 'tags.get', 'droplets.get']) fail(operation, 1, { kind: 'resetAfter' });
    await expectOne(await create());
    expect(harness.server.model.made).toBe(1);
  });
});

describe('two workers that make one machine at a time', () => {
  it('end with one droplet, and both with the same', async () => {
    const request = digitalOceanRequest();
    // Neither sees what the other one has under way.
    const workers = Array.from({ length: 4 }, () => harness.restarted());
    const machines = await Promise.all(workers.map((worker) => worker.create(request, never)));
    for (const machine of machines) expect(machine.address).toEqual(machines[0]!.address);
    await expectOne(machines[0]!);
  });
});

describe('an answer that asks for patience', () => {
  it.each([
    ['429', answer(429, 'API rate limit exceeded.')],
    ['500', answer(500)],
    ['503', answer(503)],
  ])('%s on create, list and delete: each is tried again', async (_, what) => {
    for (const operation of ['droplets.create', 'droplets.list', 'droplets.delete', 'tags.get'])
      fail(operation, 1, what);
    const machine = await create();
    await expectOne(machine);
    await harness.provider.destroy(machine.machineId, never);
    expectNothing();
    expect([count('droplets.create'), count('droplets.delete')]).toEqual([2, 2]);
  });

  it('says for how long, and no call comes earlier', async () => {
    fail('droplets.create', 1, answer(429, 'API rate limit exceeded.', { 'retry-after': '1' }));
    const startedAt = Date.now();
    await expectOne(await create());
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
  });

  it('of a page for people, from a gateway before the API, is no answer', async () => {
    fail('droplets.list', 1, answer(502, 'Bad Gateway'));
    await expectOne(await create());
  });

  it('for longer than the budget is a retryable error, after few calls', async () => {
    const provider = harness.withOptions({ backOff: { firstMs: 10, mostMs: 20, budgetMs: 100 } });
    fail('droplets.create', 1000, answer(503));
    const error = await refusal(provider.create(digitalOceanRequest(), never));
    expect(error).toMatchObject({ code: 'backendUnavailable', terminal: false });
    expect(count('droplets.create')).toBeLessThan(15);
    fail('droplets.list', 1000, answer(429, 'API rate limit exceeded.', { 'retry-after': '60' }));
    expect(await refusal(provider.list(never))).toMatchObject({ code: 'rateLimited', terminal: false });
  });

  it('when the requests of the minute are used up, lasts until there are more', async () => {
    harness.server.model.rateLimit.limits = { ...WIDE_LIMITS, burst: 6, burstWindowMs: 400 };
    const machine = await create();
    await harness.provider.destroy(machine.machineId, never);
    expectNothing();
    expect(harness.server.calls.some(({ status }) => status === 429)).toBe(true);
    expect(harness.server.model.made).toBe(1);
  });
});

describe('a region without room', () => {
  const spec = chatOnDigitalOcean({ zones: [FIRST, SECOND] });

  it('for the size, or at all, is left for the next region of the spec', async () => {
    for (const without of [FIRST, `${FIRST}/s-1vcpu-512mb-10gb`, `${FIRST}/s-1vcpu-1gb`]) {
      harness.server.model.stockedOut.add(without);
      expect((await create(digitalOceanRequest({ spec }))).zone).toBe(SECOND);
      if (without === FIRST) harness.server.model.stockedOut.clear();
    }
    expect(harness.server.model.made).toBe(3);
  });

  it('everywhere is a retryable error, and a later try finds the room that came back', async () => {
    for (const region of spec.zones) harness.server.model.stockedOut.add(region);
    const request = digitalOceanRequest({ spec });
    expect(await refusal(create(request))).toMatchObject({ code: 'noCapacity', terminal: false });
    expectNothing();
    harness.server.model.stockedOut.clear();
    const machine = await harness.restarted().create(request, never);
    expect(machine.zone).toBe(FIRST);
    await expectOne(machine);
  });

  it('does not make a second machine when the reply of the second region was lost', async () => {
    harness.server.model.stockedOut.add(FIRST);
    fail('droplets.create', 1, answer(422, 'Size is not available in this region.'));
    fail('droplets.create', 1, { kind: 'resetAfter' });
    const made = await create(digitalOceanRequest({ spec }));
    expect(made.zone).toBe(SECOND);
    harness.server.model.stockedOut.clear();
    await expectOne(made);
  });
});

describe('the limit of droplets of the account', () => {
  it('is no room, retryable, and says so', async () => {
    harness.server.model.dropletLimit = 0;
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'noCapacity', terminal: false });
    expect(error.message).toContain('droplet limit');
  });
});

describe('a refusal that trying again cannot change', () => {
  it.each([
    ['size', 'You specified an invalid size for Droplet creation.', 'badSpec', 'field machineType'],
    ['region', 'You specified an invalid region for Droplet creation.', 'badSpec', 'field zones'],
    ['image', 'You specified an invalid image for Droplet creation.', 'imageUnknown', 'field image'],
    ['VPC', 'vpc_uuid is not valid', 'badSpec', 'field network'],
    ['user data', 'user_data is too long', 'badSpec', 'field userData'],
  ])('names the wrong field: %s', async (_, message, code, field) => {
    fail('droplets.create', 1, unprocessable(message));
    const error = await refusal(create());
    expect(error).toMatchObject({ code, terminal: true });
    expect(error.message).toContain(field);
    expect(error.message).toContain(message);
    expect(count('droplets.create')).toBe(1);
  });

  it('names the token where it is not valid, and where a scope is missing', async () => {
    const wrong = harness.withOptions({ token: () => Promise.resolve('dop_v1_of-nobody') });
    const error = await refusal(wrong.create(digitalOceanRequest(), never));
    expect(error).toMatchObject({ code: 'permissionDenied', terminal: true });
    expect(error.message).toContain('token');
    expect(error.message).not.toContain('dop_v1');
    harness.server.model.denied.add('droplets.create');
    const refused = await refusal(create());
    expect(refused).toMatchObject({ code: 'permissionDenied', terminal: true });
    expect(refused.message).toContain('scopes');
    expectNothing();
  });

  it('is what a missing token is, for every call', async () => {
    const without = new ProviderError('permissionDenied', 'there is no token');
    const provider = harness.withOptions({ token: () => Promise.reject(without) });
    for (const call of [() => provider.create(digitalOceanRequest(), never), () => provider.list(never)]) {
      expect(await refusal(call())).toMatchObject({ code: 'permissionDenied' });
    }
    expect(harness.server.calls).toEqual([]);
  });

  it('never touches a droplet of the same name that is not ours', async () => {
    const request = digitalOceanRequest();
    const [made] = harness.server.model.create({
      ...{ name: `eph-test-${request.machineId}`, region: FIRST, size: 's-1vcpu-1gb', image: 'ubuntu-24-04-x64' },
      tags: ['somebody'],
    });
    made!.droplet.created_at = '2020-01-01T00:00:00Z';
    for (const call of [() => create(request), () => harness.provider.destroy(request.machineId, never)]) {
      const error = await refusal(call());
      expect(error).toMatchObject({ code: 'permissionDenied' });
      expect(error.message).toContain(String(made!.droplet.id));
    }
    expect(count('droplets.delete')).toBe(0);
    expect(await harness.provider.list(never)).toEqual([]);
  });
});

describe('what is left behind', () => {
  const tagNames = (): string[] => harness.server.model.tags.all().map(({ name }) => name);

  it('of a machine that is gone is no tag of its own, only that its id is never used again', async () => {
    const labels = { team: 'blue' };
    const machine = await create(digitalOceanRequest({ spec: chatOnDigitalOcean({ labels }) }));
    expect(tagNames()).toContain('ephemera-label:team:blue');
    await harness.provider.destroy(machine.machineId, never);
    await eventually(() => {
      expect(tagNames().filter((name) => /^ephemera-(record|agent-secret|machine-key):/.test(name))).toEqual([]);
    });
    expect(tagNames().filter((name) => name.startsWith('ephemera-ended:'))).toHaveLength(1);
  });

  it('of a create that DigitalOcean gave up half-way is nothing that a destroy does not remove', async () => {
    harness.server.model.failedCreateLeaves = 'new';
    harness.server.model.actions.failNext.set('create', 1);
    const request = digitalOceanRequest();
    const cancel = new AbortController();
    const creating = harness.provider.create(request, { signal: cancel.signal }).catch((error: unknown) => error);
    await eventually(() => expect(harness.server.model.made).toBe(1));
    cancel.abort(new Error('nobody waits any more'));
    await creating;
    await harness.restarted().destroy(request.machineId, never);
    expectNothing();
  });
});

describe('tags that a worker did not live to take away', () => {
  const HOUR_MS = 3600 * 1000;

  it('are found by a look at all tags: those that nothing carries twice, and ids that ended long ago', async () => {
    const { server } = harness;
    const machine = await create();
    const left = ['ephemera-record:0123456789ab-0-0-1-left', 'ephemera-label:team:nobody'];
    const ended = 'ephemera-ended:1:eph-test-m-long-ago';
    for (const name of [...left, ended, 'of-somebody-else']) server.model.tags.make(name);
    const names = (): string[] => server.model.tags.all().map(({ name }) => name);
    let now = Date.now();
    const calls = new DigitalOceanCalls(
      () => digitalOceanClient({ token: server.token, endpoint: server.endpoint }),
      new CallBudget({ rate: { callsPerSecond: 1000, burst: 100, reservedForDestroys: 0 } }),
      { firstMs: 5, mostMs: 10, budgetMs: 1000 },
    );
    const cleaning = new TagCleaning(calls, () => now);
    cleaning.lookAtAll();
    await eventually(() => expect(names()).not.toContain(ended));
    expect(names(), 'it may belong to a droplet that is being made').toEqual(expect.arrayContaining(left));
    cleaning.lookAtAll();
    now += HOUR_MS;
    cleaning.lookAtAll();
    await eventually(() => expect(names()).toEqual(expect.not.arrayContaining(left)));
    expect(count('tags.list'), 'not more often than every ten minutes').toBe(2);
    expect(names()).toContain('of-somebody-else');
    expect(await harness.provider.describe(machine.machineId, never)).toEqual(machine);
  });
});
