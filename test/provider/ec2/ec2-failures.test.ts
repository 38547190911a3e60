/** Everything that goes wrong in EC2, one by one, with the provider's calls counted. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest, Machine } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { ec2Client } from '../../../providers/ec2/calls/ec2-calls.ts';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
import {
  chatOnEc2,
  ec2Harness,
  ec2Request,
  useMoto,
  type Ec2Harness,
} from '../../../test-support/ec2-server/harness.ts';
import { eventually } from '../../../test-support/eventually.ts';

const never = { signal: new AbortController().signal };
const [ZONE_A, ZONE_B, ZONE_C] = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'] as const;

useMoto();

let harness: Ec2Harness;
beforeEach(async () => {
  harness = await ec2Harness();
});
afterEach(() => harness.dispose());

const create = (request: CreateMachineRequest = ec2Request()): Promise<Machine> =>
  harness.provider.create(request, never);
const count = (action: string): number => harness.server.countOf(action);
const fail = (method: string, times: number, what: FaultKind): void =>
  harness.server.faults.add({ method, times, what });
const answer = (status: number, reason: string, message = 'as asked'): FaultKind => ({
  ...{ kind: 'answer', status, reason, message },
});

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
  expect(harness.server.ec2.ofMachine(machineId)).toHaveLength(1);
  expect(harness.server.ec2.instances.size).toBe(1);
}

describe('a tag that names another machine than the record beside it', () => {
  it('makes an instance no part of that machine: it is not taken away with it', async () => {
    const [{ machineId }, other] = [await create(), await create()];
    const { id } = harness.server.ec2.ofMachine(other.machineId)[0]!.parts;
    const client = await ec2Client({ region: harness.server.world.region, endpoint: harness.server.endpoint });
    await client.createTags({ Resources: [id], Tags: [{ Key: 'ephemera-machine', Value: machineId }] });
    client.destroy();
    expect(await harness.provider.list(never)).toHaveLength(2);
    await harness.provider.destroy(machineId, never);
    expect(harness.server.ec2.instances.get(id)!.state).toBe('running');
    expect(await harness.provider.list(never)).toMatchObject([{ machineId: other.machineId }]);
  });
});

describe('a connection that breaks', () => {
  it('before the machine was made: the call is repeated, one machine is made', async () => {
    fail('RunInstances', 1, { kind: 'resetBefore' });
    expectOne((await create()).machineId);
  });

  it('after the machine was made, several times: the same one is taken', async () => {
    fail('RunInstances', 3, { kind: 'resetAfter' });
    expectOne((await create()).machineId);
  });

  it('after the machine was made, where EC2 does not show it yet: the client token finds it', async () => {
    harness.server.ec2.lagMs = 400;
    fail('RunInstances', 1, { kind: 'resetAfter' });
    expectOne((await create()).machineId);
    expect(count('RunInstances')).toBe(2);
  });

  it('around a terminate: the machine is gone all the same', async () => {
    for (const kind of ['resetBefore', 'resetAfter'] as const) {
      const { machineId } = await create();
      fail('TerminateInstances', 1, { kind });
      await harness.provider.destroy(machineId, never);
      expect(harness.server.ec2.alive).toEqual([]);
    }
  });
});

describe('two workers', () => {
  it('that make one machine with different secrets make one', async () => {
    const request = ec2Request();
    const secret = (text: string) => ({ ...request, agentBootstrap: { ...request.agentBootstrap!, secret: text } });
    const machines = await Promise.all([
      harness.provider.create(secret('one'), never),
      harness.restarted().create(secret('two'), never),
    ]);
    expect(machines[0].address).toEqual(machines[1].address);
    expectOne(request.machineId);
  });

  it('of which one finds no room in a zone where the other does end with one machine, though EC2 shows none at once', async () => {
    const request = ec2Request();
    harness.server.ec2.lagMs = 1000;
    // A boot takes longer than EC2 takes to show an instance.
    harness.server.ec2.stepMs = 4000;
    fail('RunInstances', 1, answer(500, 'InsufficientInstanceCapacity'));
    const machines = await Promise.all([
      harness.provider.create(request, never),
      harness.restarted().create(request, never),
    ]);
    expect(machines[0].address).toEqual(machines[1].address);
    expect(harness.server.ec2.alive).toHaveLength(1);
  });

  it('make none for a machine that was destroyed long ago: EC2 shows it no more and knows its token', async () => {
    const request = ec2Request();
    await create(request);
    await harness.provider.destroy(request.machineId, never);
    for (const { parts } of harness.server.ec2.ofMachine(request.machineId)) harness.server.ec2.forgotten.add(parts.id);
    expect(await refusal(harness.restarted().create(request, never))).toMatchObject({ code: 'machineEnded' });
    expect(harness.server.ec2.alive).toEqual([]);
  });
});

describe('an answer that asks for patience', () => {
  const patience = [
    ['RequestLimitExceeded', answer(503, 'RequestLimitExceeded')],
    ['Throttling', answer(400, 'Throttling')],
    ['InternalError', answer(500, 'InternalError')],
    ['Unavailable', answer(503, 'Unavailable')],
  ] as const;

  it.each(patience)('%s to every call: each is tried again', async (_, what) => {
    for (const action of ['DescribeImages', 'RunInstances', 'DescribeInstances', 'TerminateInstances'])
      fail(action, 1, what);
    const { machineId } = await create();
    expectOne(machineId);
    await harness.provider.destroy(machineId, never);
    expect(harness.server.ec2.alive).toEqual([]);
  });

  it('for longer than the budget is a retryable error, after few calls', async () => {
    const provider = harness.withOptions({ backOff: { firstMs: 10, mostMs: 20, budgetMs: 100 } });
    fail('RunInstances', 1000, answer(503, 'Unavailable'));
    expect(await refusal(provider.create(ec2Request(), never))).toMatchObject({
      code: 'backendUnavailable',
      terminal: false,
    });
    expect(count('RunInstances')).toBeLessThan(15);
    fail('DescribeInstances', 1000, answer(503, 'RequestLimitExceeded'));
    expect(await refusal(provider.list(never))).toMatchObject({ code: 'rateLimited', terminal: false });
  });

  it('is given up at once when nobody wants the machine any more', async () => {
    fail('RunInstances', 1000, answer(503, 'Unavailable'));
    const provider = harness.withOptions({ backOff: { firstMs: 60_000, mostMs: 60_000, budgetMs: 600_000 } });
    const cancel = new AbortController();
    const creating = provider.create(ec2Request(), { signal: cancel.signal });
    await eventually(() => expect(count('RunInstances')).toBe(1));
    const reason = new Error('nobody');
    cancel.abort(reason);
    await expect(creating).rejects.toBe(reason);
    expect(count('RunInstances')).toBe(1);
  });
});

describe('a zone without room', () => {
  it('is left for the next one, in the order of the spec or of the settings', async () => {
    harness.server.ec2.full.add(ZONE_A);
    expect((await create()).zone).toBe(ZONE_B);
    harness.server.ec2.full.add(ZONE_C);
    const spec = chatOnEc2({ zones: [ZONE_C, ZONE_A, ZONE_B] });
    expect((await create(ec2Request({ spec }))).zone).toBe(ZONE_B);
    expect(harness.server.ec2.instances.size).toBe(2);
  });

  it('everywhere, or by quota, is a retryable error that leaves nothing, and a later try finds the room that came back', async () => {
    const request = ec2Request();
    harness.server.ec2.quota = 0;
    expect(await refusal(create(request))).toMatchObject({ code: 'noCapacity', terminal: false });
    expect(harness.server.ec2.instances.size).toBe(0);
    harness.server.ec2.quota = Infinity;
    expect((await harness.restarted().create(request, never)).zone).toBe(ZONE_A);
    expectOne(request.machineId);
  });

  it.each(['InsufficientFreeAddressesInSubnet', 'MaxSpotInstanceCountExceeded', 'Unsupported', 'VolumeLimitExceeded'])(
    'of the kind %s is left too',
    async (reason) => {
      fail('RunInstances', 1, answer(400, reason));
      expect((await create()).zone).toBe(ZONE_B);
    },
  );
});

describe('an instance that EC2 accepts and cannot launch', () => {
  const giveUpNext = async (machineId: string, reason: string): Promise<void> => {
    const { ec2 } = harness.server;
    const pending = () => ec2.ofMachine(machineId).find(({ state }) => state === 'pending');
    await eventually(() => expect(pending()).toBeDefined());
    ec2.stepMs = 20;
    await ec2.giveUp(pending()!.parts.id, reason);
  };

  it('for want of room is followed by one in the next zone', async () => {
    harness.server.ec2.stepMs = 60_000;
    const request = ec2Request();
    const creating = create(request);
    await giveUpNext(request.machineId, 'Server.InsufficientInstanceCapacity');
    expect(await creating).toMatchObject({ status: 'running', zone: ZONE_B });
    expect(harness.server.ec2.alive).toHaveLength(1);
    expect(await harness.restarted().list(never)).toMatchObject([{ machineId: request.machineId, status: 'running' }]);
  });

  it('everywhere is a retryable error with the reason, and a later try makes it where room came back', async () => {
    harness.server.ec2.stepMs = 60_000;
    const request = ec2Request({ spec: chatOnEc2({ zones: [ZONE_A] }) });
    const creating = refusal(create(request));
    await giveUpNext(request.machineId, 'Server.InsufficientInstanceCapacity');
    expect(await creating).toMatchObject({ code: 'noCapacity', terminal: false });
    expect(await harness.restarted().create(request, never)).toMatchObject({ status: 'running', zone: ZONE_A });
    await harness.restarted().destroy(request.machineId, never);
    expect(await refusal(harness.restarted().create(request, never))).toMatchObject({ code: 'machineEnded' });
    expect(harness.server.ec2.alive).toEqual([]);
  });

  it('by an error of its own is tried again', async () => {
    harness.server.ec2.stepMs = 60_000;
    const request = ec2Request();
    // What it takes to see that one was given up counts towards how long a create tries.
    const patient = harness.withOptions({ backOff: { firstMs: 5, mostMs: 40, budgetMs: 30_000 } });
    const creating = patient.create(request, never);
    await giveUpNext(request.machineId, 'Server.InternalError');
    expect(await creating).toMatchObject({ status: 'running', zone: ZONE_A });
    expect(harness.server.ec2.alive).toHaveLength(1);
  });
});

describe('a refusal that trying again cannot change', () => {
  it('names the missing permission', async () => {
    harness.server.ec2.denied.add('RunInstances');
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'permissionDenied', terminal: true });
    expect(error.message).toContain('ec2:RunInstances');
    expect(count('RunInstances')).toBe(1);
  });

  it.each(['AuthFailure', 'OptInRequired', 'ExpiredToken'])('is %s', async (reason) => {
    fail('*', 1, answer(401, reason));
    expect(await refusal(create())).toMatchObject({ code: 'permissionDenied', terminal: true });
  });

  it('says what EC2 says of a field', async () => {
    fail('RunInstances', 1, answer(400, 'InvalidParameterCombination', 'The parameter x does not go with y'));
    const error = await refusal(create());
    expect(error).toMatchObject({ code: 'badSpec', terminal: true });
    expect(error.message).toContain('The parameter x does not go with y');
    expect(count('RunInstances')).toBe(1);
  });

  it('is what missing credentials are, for every call', async () => {
    const before = { ...process.env };
    Object.assign(process.env, { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' });
    try {
      const provider = harness.withOptions({ endpoint: 'https://127.0.0.1:1' });
      for (const attempt of [() => provider.create(ec2Request(), never), () => provider.list(never)]) {
        const error = await refusal(attempt());
        expect(error).toMatchObject({ code: 'permissionDenied' });
        expect(error.message).toContain('credentials');
      }
    } finally {
      process.env = before;
    }
  });

  it('never touches an instance with the same tag that is not ours', async () => {
    const request = ec2Request();
    const { provider, ofAnotherDeployment } = harness;
    await ofAnotherDeployment().create(request, never);
    await provider.destroy(request.machineId, never);
    expect(count('TerminateInstances')).toBe(0);
    expect(harness.server.ec2.alive).toHaveLength(1);
  });
});

describe('a spot machine', () => {
  it('is asked for once, and one that is taken back is gone with the cause to be had, also when its tags are', async () => {
    const { machineId } = await create(ec2Request({ spec: chatOnEc2({ spot: true }) }));
    const [run] = harness.server.calls.filter(({ action }) => action === 'RunInstances');
    expect(run!.params.get('InstanceMarketOptions.SpotOptions.SpotInstanceType')).toBe('one-time');
    const [instance] = harness.server.ec2.ofMachine(machineId);
    await harness.server.ec2.preempt(instance!.parts.id);
    await eventually(async () => {
      expect((await harness.provider.describe(machineId, never))?.status ?? 'gone').toMatch(/gone|ended/);
    });
    expect(await harness.provider.endCause?.(machineId, never)).toBe('preempted');
    await harness.server.ec2.loseTags(instance!.parts.id);
    expect(await harness.restarted().endCause?.(machineId, never)).toBe('preempted');
    const other = await create();
    expect(await harness.provider.endCause?.(other.machineId, never)).toBeUndefined();
  });

  it('is refused where its spec says that it is stopped', async () => {
    for (const action of ['stop', 'close'] as const) {
      const spec = chatOnEc2({ spot: true });
      const request = ec2Request({ spec: { ...spec, idle: { ...spec.idle, action } } });
      expect(await refusal(create(request))).toMatchObject({ code: 'badSpec' });
    }
    expect(count('RunInstances')).toBe(0);
  });
});
