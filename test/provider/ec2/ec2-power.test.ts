import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ec2 } from '../../../providers/ec2/descriptor.ts';
import {
  chatOnEc2,
  ec2Harness,
  ec2Request,
  useMoto,
  type Ec2Harness,
} from '../../../test-support/ec2-server/harness.ts';

const never = { signal: new AbortController().signal };

useMoto();

let harness: Ec2Harness;
beforeEach(async () => {
  harness = await ec2Harness();
});
afterEach(() => harness.dispose());

const tagsOf = (machineId: string): Record<string, string> =>
  Object.fromEntries(harness.server.ec2.ofMachine(machineId)[0]!.parts.tags);

describe('stop and start', () => {
  it('keep the instance, its disk and its client token', async () => {
    const { provider } = harness;
    const request = ec2Request({ spec: chatOnEc2({ externalIp: true }) });
    const machine = await provider.create(request, never);
    const { machineId } = machine;
    expect(await provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped', address: null });
    const started = await provider.power!.start({ machineId, agentBootstrap: null }, never);
    expect(started).toMatchObject({ status: 'running', createdAt: machine.createdAt });
    expect(await harness.askMachine(started)).toContain('eph-test-');
    expect(harness.server.ec2.instances.size).toBe(1);
    expect(await harness.restarted().create(request, never)).toEqual(started);
  });

  it('give its agent something new to prove itself with, and leave no other tag behind', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(ec2Request(), never);
    const before = tagsOf(machineId);
    expect(before['ephemera-agent-secret']).toBe('1:one-time');
    await provider.power!.stop(machineId, never);
    expect(tagsOf(machineId)).toMatchObject({ 'ephemera-power': 'stopped' });
    const agentBootstrap = { apiUrl: 'http://10.0.0.2:7400', secret: 'another' };
    await provider.power!.start({ machineId, agentBootstrap }, never);
    expect(tagsOf(machineId)).toEqual({ ...before, 'ephemera-agent-secret': '1:another' });
  });

  it('are each one call, however often they are asked for', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(ec2Request(), never);
    await provider.power!.stop(machineId, never);
    await harness.restarted().power!.stop(machineId, never);
    await provider.power!.start({ machineId, agentBootstrap: null }, never);
    await harness.restarted().power!.start({ machineId, agentBootstrap: null }, never);
    expect([harness.server.countOf('StopInstances'), harness.server.countOf('StartInstances')]).toEqual([1, 1]);
  });

  it('go through where EC2 loses answers and asks for patience', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(ec2Request(), never);
    for (const method of ['CreateTags', 'StopInstances', 'StartInstances', 'DeleteTags']) {
      server.faults.add({ method, times: 1, what: { kind: 'resetAfter' } });
      const what = { kind: 'answer', status: 503, reason: 'RequestLimitExceeded', message: 'as asked' } as const;
      server.faults.add({ method, times: 1, what });
    }
    expect((await provider.power!.stop(machineId, never)).status).toBe('stopped');
    expect((await provider.power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
  });

  it('of a machine that nobody knows is an error that says so', async () => {
    await expect(harness.provider.power!.stop(ec2Request().machineId, never)).rejects.toMatchObject({
      code: 'machineEnded',
    });
  });

  it('of a spot machine is refused, with what EC2 says of it', async () => {
    const { machineId } = await harness.provider.create(ec2Request({ spec: chatOnEc2({ spot: true }) }), never);
    await expect(harness.provider.power!.stop(machineId, never)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringContaining('one-time Spot Instance request') as string,
    });
    expect(await harness.provider.describe(machineId, never)).toMatchObject({ status: 'running' });
    expect(tagsOf(machineId)['ephemera-power']).toBeUndefined();
  });

  it('of a machine whose zone has no room now is an error that says so, and it stays stopped', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(ec2Request(), never);
    await provider.power!.stop(machineId, never);
    const what = { kind: 'answer', status: 500, reason: 'InsufficientInstanceCapacity', message: 'as asked' } as const;
    server.faults.add({ method: 'StartInstances', times: 1, what });
    await expect(provider.power!.start({ machineId, agentBootstrap: null }, never)).rejects.toMatchObject({
      code: 'noCapacity',
    });
    expect(await provider.describe(machineId, never)).toMatchObject({ status: 'stopped' });
    expect((await provider.power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
  });
});

it('memory is not kept: whether an instance can hibernate is known to its image and type alone', () => {
  expect(Object.entries(harness.provider.power!).filter(([name, can]) => name === 'suspend' && can)).toEqual([]);
  expect(ec2.capabilities.suspend).toBe(false);
});
