/** Everything that goes wrong in the cloud, one by one, with the provider's calls counted. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallProgress, CreateMachineRequest, Machine } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { eventually } from '../../../test-support/eventually.ts';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
import {
  chatOnGcp,
  gcpHarness,
  gcpRequest,
  placesOf,
  warmClient,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';

const never = { signal: new AbortController().signal };
const [ZONE_A, ZONE_B, ZONE_C] = ['us-central1-a', 'us-central1-b', 'europe-west1-b'] as const;

beforeAll(warmClient);

let harness: GcpHarness;
beforeEach(async () => {
  harness = await gcpHarness();
});
afterEach(() => harness.dispose());

const create = (request: CreateMachineRequest = gcpRequest()): Promise<Machine> =>
  harness.provider.create(request, never);
const count = (method: string): number => harness.server.countOf(method);
const fail = (method: string, times: number, what: FaultKind): void =>
  harness.server.faults.add({ method, times, what });
const answer = (status: number, reason: string, message = 'as asked'): FaultKind => ({
  kind: 'answer',
  status,
  reason,
  message,
});
const failOperation = (type: string, code: string, times = 1): void => {
  harness.server.model.engine.failNext.set(type, {
    error: { code, message: `${code} as asked` },
    httpStatus: 503,
    times,
  });
};

async function refusal(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
}

/** One machine was made, and nothing beside it. */
function expectOne(machineId: string): void {
  expect(placesOf(harness.server, machineId)).toHaveLength(1);
  expect(harness.server.model.made).toBe(1);
  expect(harness.server.model.disks.size).toBe(1);
}

function expectNothing(): void {
  expect([...harness.server.model.instances.keys()]).toEqual([]);
  expect([...harness.server.model.disks.keys()]).toEqual([]);
}

describe('a connection that breaks', () => {
  it('before the insert took effect: the insert is repeated, one machine is made', async () => {
    fail('instances.insert', 1, { kind: 'resetBefore' });
    const { machineId } = await create();
    expect(count('instances.insert')).toBe(2);
    expectOne(machineId);
  });

  it('after the insert took effect: the repeated insert is the same operation', async () => {
    fail('instances.insert', 2, { kind: 'resetAfter' });
    const { machineId } = await create();
    expect(count('instances.insert')).toBe(3);
    expectOne(machineId);
    expect(harness.server.model.engine.operations.size).toBe(1);
  });

  it('around a delete: the machine is gone with its disk all the same', async () => {
    for (const kind of ['resetBefore', 'resetAfter'] as const) {
      const { machineId } = await create();
      fail('instances.delete', 1, { kind });
      await harness.provider.destroy(machineId, never);
      expectNothing();
    }
  });

  it('while an operation is awaited: it is awaited again', async () => {
    fail('zoneOperations.wait', 2, { kind: 'resetBefore' });
    const { machineId } = await create();
    expect(count('zoneOperations.wait')).toBe(3);
    expectOne(machineId);
  });
});

describe('an answer that asks for patience', () => {
  const patience = [
    ['429', answer(429, 'rateLimitExceeded')],
    ['403 rateLimitExceeded', answer(403, 'rateLimitExceeded')],
    ['500', answer(500, 'backendError')],
    ['503', answer(503, 'backendError')],
  ] as const;

  it.each(patience)('%s on insert, get, wait and delete: each is tried again', async (_, what) => {
    for (const method of ['instances.insert', 'instances.get', 'zoneOperations.wait', 'instances.delete']) {
      fail(method, 1, what);
    }
    const { machineId } = await create();
    expectOne(machineId);
    await harness.provider.destroy(machineId, never);
    expectNothing();
    expect(count('instances.insert')).toBe(2);
    expect(count('instances.delete')).toBe(2);
  });

  it('for longer than the budget is a retryable error, after few calls', async () => {
    const provider = harness.withOptions({ backOff: { firstMs: 10, mostMs: 20, budgetMs: 100 } });
    fail('instances.insert', 1000, answer(503, 'backendError'));
    const error = await refusal(provider.create(gcpRequest(), never));
    expect(error).toMatchObject({ code: 'backendUnavailable', terminal: false });
    expect(count('instances.insert')).toBeLessThan(15);
    fail('instances.aggregatedList', 1000, answer(429, 'rateLimitExceeded'));
    expect(await refusal(provider.list(never))).toMatchObject({ code: 'rateLimited', terminal: false });
  });

  it('is given up at once when nobody wants the machine any more', async () => {
    fail('instances.insert', 1000, answer(503, 'backendError'));
    const provider = harness.withOptions({ backOff: { firstMs: 60_000, mostMs: 60_000, budgetMs: 600_000 } });
    const cancel = new AbortController();
    const creating = provider.create(gcpRequest(), { signal: cancel.signal });
    await eventually(() => expect(count('instances.insert')).toBe(1));
    const reason = new Error('nobody');
    cancel.abort(reason);
    await expect(creating).rejects.toBe(reason);
    expect(count('instances.insert')).toBe(1);
  });
});

describe('a zone without room', () => {
  const spec = chatOnGcp({ zones: [ZONE_A, ZONE_B, ZONE_C] });

  it('is left for the next zone of the spec, after its operation has settled', async () => {
    harness.server.model.stockedOut.add(ZONE_A);
    const machine = await create(gcpRequest({ spec }));
    expect(machine.zone).toBe(ZONE_B);
    expectOne(machine.machineId);
    const inserts = harness.server.calls.filter(({ method }) => method === 'instances.insert');
    expect(inserts).toHaveLength(2);
    const [first] = harness.server.model.engine.operations.values();
    expect(first).toMatchObject({ status: 'DONE', error: { errors: [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED' }] } });
  });

  it('by quota, in the operation or at once, is the same', async () => {
    failOperation('insert', 'QUOTA_EXCEEDED');
    expect((await create(gcpRequest({ spec }))).zone).toBe(ZONE_B);
    fail('instances.insert', 1, answer(403, 'quotaExceeded'));
    expect((await create(gcpRequest({ spec }))).zone).toBe(ZONE_B);
    expect(harness.server.model.made).toBe(2);
  });

  it('everywhere is a retryable error, and a later try finds the room that came back', async () => {
    for (const zone of spec.zones) harness.server.model.stockedOut.add(zone);
    const request = gcpRequest({ spec });
    expect(await refusal(create(request))).toMatchObject({ code: 'noCapacity', terminal: false });
    expectNothing();
    harness.server.model.stockedOut.clear();
    const machine = await harness.restarted().create(request, never);
    expect(machine.zone).toBe(ZONE_A);
    expectOne(machine.machineId);
  });

  it('does not make a second machine when the reply of the second zone was lost', async () => {
    harness.server.model.stockedOut.add(ZONE_A);
    const request = gcpRequest({ spec });
    const made = await create(request);
    harness.server.model.stockedOut.clear();
    // More than an hour later no request id is remembered.
    harness.server.model.engine.skewMs = 2 * 3600 * 1000;
    expect(await harness.restarted().create(request, never)).toEqual(made);
    expectOne(made.machineId);
  });
});

describe('an operation that ends in an error', () => {
  it('of Google is tried again under a new request id', async () => {
    failOperation('insert', 'INTERNAL_ERROR', 2);
    const { machineId } = await create();
    expect(count('instances.insert')).toBe(3);
    expectOne(machineId);
  });

  it('of ours is terminal and names what is wrong', async () => {
    failOperation('insert', 'PERMISSIONS_ERROR');
    expect(await refusal(create())).toMatchObject({ code: 'permissionDenied', terminal: true });
    expect(count('instances.insert')).toBe(1);
    expectNothing();
  });

  it('of a delete is retryable, and the next destroy does it', async () => {
    const { machineId } = await create();
    failOperation('delete', 'INTERNAL_ERROR');
    expect(await refusal(harness.provider.destroy(machineId, never))).toMatchObject({ terminal: false });
    await eventually(() => {
      harness.server.model.instance(...placesOf(harness.server, machineId)[0]!).status = 'RUNNING';
    });
    await harness.provider.destroy(machineId, never);
    expectNothing();
  });
});

describe('a refusal that trying again cannot change', () => {
  it('names the missing permission', async () => {
    harness.server.model.denied.add('compute.instances.create');
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'permissionDenied', terminal: true });
    expect(error.message).toContain('permission compute.instances.create is missing');
    expect(count('instances.insert')).toBe(1);
  });

  it('names the wrong field', async () => {
    fail('instances.insert', 1, answer(400, 'invalid', "Invalid value for field 'resource.tags': 'x'. No."));
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'badSpec', terminal: true });
    expect(error.message).toContain('field tags');
    expect(count('instances.insert')).toBe(1);
  });

  it('of credentials says so', async () => {
    fail('*', 1, answer(401, 'authError', 'Request had invalid authentication credentials.'));
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'permissionDenied' });
    expect(error.message).toContain('credentials');
  });

  it('is what missing credentials are, for every call, and nothing else breaks', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const before = { ...process.env };
    Object.assign(process.env, { HOME: '/nonexistent', METADATA_SERVER_DETECTION: 'none' });
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
    try {
      const provider = harness.withOptions({ endpoint: null });
      for (const attempt of [() => provider.create(gcpRequest(), never), () => provider.list(never)]) {
        const error = await refusal(attempt());
        expect(error).toMatchObject({ code: 'permissionDenied' });
        expect(error.message).toContain('default credentials');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      process.env = before;
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });

  it('never touches an instance of the same name that is not ours', async () => {
    const request = gcpRequest();
    await create(request);
    const [place] = placesOf(harness.server, request.machineId);
    harness.server.model.instance(...place!).metadata = { items: [] };
    const fresh = harness.restarted();
    expect(await refusal(fresh.destroy(request.machineId, never))).toMatchObject({ code: 'permissionDenied' });
    expect(count('instances.delete')).toBe(0);
  });
});

describe('a long operation', () => {
  it('is awaited past the limit of one wait', async () => {
    await harness.dispose();
    harness = await gcpHarness({ stepMs: 150, waitLimitMs: 60 });
    const { machineId } = await create();
    expect(count('zoneOperations.wait')).toBeGreaterThan(2);
    expectOne(machineId);
  });

  it('is taken up by the next worker from what the last one noted', async () => {
    const notes: string[] = [];
    const progress = (resume: string | null): CallProgress => ({ resume, note: (token) => notes.push(token) });
    const request = gcpRequest();
    const cancel = new AbortController();
    const dying = harness.provider
      .create(request, { signal: cancel.signal, progress: progress(null) })
      .catch(() => undefined);
    await eventually(() => expect(notes).toHaveLength(1));
    cancel.abort();
    await dying;
    const machine = await harness.restarted().create(request, { ...never, progress: progress(notes[0]!) });
    expect(machine.status).toBe('running');
    expectOne(request.machineId);
    const stale = { ...never, progress: progress('us-central1-a/operation-of-long-ago') };
    await harness.restarted().destroy(request.machineId, stale);
    expect(notes.length).toBeGreaterThan(1);
    expectNothing();
  });
});

describe('the request id', () => {
  it('makes an insert that arrives after the destroy harmless', async () => {
    const request = gcpRequest();
    await create(request);
    await harness.restarted().destroy(request.machineId, never);
    expect(await refusal(harness.restarted().create(request, never))).toMatchObject({ code: 'machineEnded' });
    expect(harness.server.model.made).toBe(1);
    expectNothing();
  });
});

describe('a spot machine', () => {
  it('that is taken back is gone, with the cause to be had', async () => {
    const { machineId } = await create(gcpRequest({ spec: chatOnGcp({ spot: true }) }));
    const [[zone, name]] = placesOf(harness.server, machineId) as [[string, string]];
    expect(harness.server.model.instance(zone, name).scheduling).toMatchObject({ provisioningModel: 'SPOT' });
    harness.server.model.preempt(zone, name);
    expect(await harness.provider.describe(machineId, never)).toBeUndefined();
    expect(await harness.provider.endCause?.(machineId, never)).toBe('preempted');
    const other = await create();
    expect(await harness.provider.endCause?.(other.machineId, never)).toBeUndefined();
  });
});

describe('when nobody is left to destroy it', () => {
  it('Compute Engine deletes the machine by itself, a while after its maximum lifetime', async () => {
    const { machineId } = await create(gcpRequest({ spec: chatOnGcp({ maxLifetimeSeconds: 3600 }) }));
    const { engine } = harness.server.model;
    engine.skewMs = 3601 * 1000;
    harness.server.model.enforceRunLimits();
    expect(placesOf(harness.server, machineId)).toHaveLength(1);
    engine.skewMs = 2 * 3600 * 1000;
    harness.server.model.enforceRunLimits();
    expectNothing();
  });
});
