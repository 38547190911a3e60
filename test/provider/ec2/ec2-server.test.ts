/** What the proxy before moto plays of EC2, asked with the official client alone. */
import type { EC2 } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ec2Client } from '../../../providers/ec2/calls/ec2-calls.ts';
import { useMoto, usedMoto } from '../../../test-support/ec2-server/harness.ts';
import { startEc2Server, type Ec2Server } from '../../../test-support/ec2-server/server.ts';

useMoto();

let server: Ec2Server;
let ec2: EC2;
beforeEach(async () => {
  server = await startEc2Server({ moto: usedMoto(), stepMs: 3_600_000 });
  ec2 = await ec2Client({ region: server.world.region, endpoint: server.endpoint });
});
afterEach(() => server.close());

const asked = (ClientToken: string, more: object = {}) => ({
  ...{ ImageId: server.world.image, MinCount: 1, MaxCount: 1, ClientToken },
  SubnetId: server.world.subnets.get('eu-central-1a'),
  TagSpecifications: [{ ResourceType: 'instance' as const, Tags: [{ Key: 'ephemera-machine', Value: 'm-1' }] }],
  ...more,
});
const run = async (token: string, more: object = {}): Promise<string> =>
  (await ec2.runInstances(asked(token, more))).Instances![0]!.InstanceId!;
const stateOf = async (id: string): Promise<string | undefined> =>
  (await ec2.describeInstances({ InstanceIds: [id] })).Reservations![0]!.Instances![0]!.State!.Name;

describe('a client token', () => {
  it('gives the first instance again, also to calls that come at once', async () => {
    const ids = await Promise.all([run('a'), run('a'), run('a')]);
    expect(new Set([...ids, await run('a')]).size).toBe(1);
    expect(await run('b')).not.toBe(ids[0]);
  });

  it('is refused with other parameters, and after the instance was terminated', async () => {
    const id = await run('a');
    await expect(run('a', { InstanceType: 't3.small' })).rejects.toMatchObject({ name: 'IdempotentParameterMismatch' });
    await ec2.terminateInstances({ InstanceIds: [id] });
    await expect(run('a')).rejects.toMatchObject({ name: 'IdempotentInstanceTerminated' });
  });

  it('is free again where the call failed', async () => {
    server.ec2.full.add('eu-central-1a');
    await expect(run('a')).rejects.toMatchObject({ name: 'InsufficientInstanceCapacity' });
    server.ec2.full.clear();
    await expect(run('a')).resolves.toMatch(/^i-/);
  });

  it('is a filter of instances', async () => {
    const id = await run('a');
    const of = async (token: string) =>
      (await ec2.describeInstances({ Filters: [{ Name: 'client-token', Values: [token] }] })).Reservations!.flatMap(
        ({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId),
      );
    expect([await of('a'), await of('b')]).toEqual([[id], []]);
  });
});

describe('an instance', () => {
  it('takes a while for each change of its state, and refuses what does not go meanwhile', async () => {
    const id = await run('a');
    expect(await stateOf(id)).toBe('pending');
    server.ec2.settle();
    expect(await stateOf(id)).toBe('running');
    await ec2.stopInstances({ InstanceIds: [id] });
    expect(await stateOf(id)).toBe('stopping');
    await expect(ec2.startInstances({ InstanceIds: [id] })).rejects.toMatchObject({ name: 'IncorrectInstanceState' });
    server.ec2.settle();
    expect(await stateOf(id)).toBe('stopped');
    await ec2.terminateInstances({ InstanceIds: [id] });
    expect(await stateOf(id)).toBe('shutting-down');
    server.ec2.settle();
    expect(await stateOf(id)).toBe('terminated');
  });

  it('has loopback addresses, so that programs of this computer can be its app', async () => {
    const NetworkInterfaces = [
      { DeviceIndex: 0, SubnetId: server.world.subnets.get('eu-central-1a'), AssociatePublicIpAddress: true },
    ];
    const { Instances } = await ec2.runInstances(asked('a', { SubnetId: undefined, NetworkInterfaces }));
    expect([Instances![0]!.PrivateIpAddress, Instances![0]!.PublicIpAddress]).toEqual([
      expect.stringMatching(/^127\./),
      expect.stringMatching(/^127\./),
    ]);
  });

  it('is refused with tags that its metadata service cannot show, and with too much user data', async () => {
    const tagged = (Key: string) => ({
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key, Value: 'x' }] }],
    });
    await expect(run('a', tagged('a/b'))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    const UserData = Buffer.alloc(16_385).toString('base64');
    await expect(run('b', { UserData })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    await expect(run('c', { ImageId: 'ami-0123456789abcdef0' })).rejects.toMatchObject({
      name: 'InvalidAMIID.NotFound',
    });
    await expect(run('d', { InstanceType: 't3.huge' })).rejects.toMatchObject({ name: /InvalidInstanceType/ });
  });
});

describe('a fault', () => {
  it('before or after the effect breaks the connection', async () => {
    server.faults.add({ method: 'RunInstances', times: 1, what: { kind: 'resetBefore' } });
    await expect(run('a')).rejects.toThrow();
    expect(server.ec2.instances.size).toBe(0);
    server.faults.add({ method: 'RunInstances', times: 1, what: { kind: 'resetAfter' } });
    await expect(run('b')).rejects.toThrow();
    expect(server.ec2.instances.size).toBe(1);
  });

  it('answers with a code of EC2', async () => {
    const what = { kind: 'answer', status: 503, reason: 'RequestLimitExceeded', message: 'as asked' } as const;
    server.faults.add({ method: 'DescribeInstances', times: 1, what });
    await expect(ec2.describeInstances({})).rejects.toMatchObject({ name: 'RequestLimitExceeded' });
    await expect(ec2.describeInstances({})).resolves.toMatchObject({ Reservations: [] });
  });
});

it('a spot instance that was asked for once cannot be stopped, and says that it was taken back', async () => {
  const id = await run('a', { InstanceMarketOptions: { MarketType: 'spot' } });
  server.ec2.settle();
  expect(await stateOf(id)).toBe('running');
  await expect(ec2.stopInstances({ InstanceIds: [id] })).rejects.toMatchObject({ name: 'UnsupportedOperation' });
  await server.ec2.preempt(id);
  const { Reservations } = await ec2.describeInstances({ InstanceIds: [id] });
  expect(Reservations![0]!.Instances![0]!.StateReason!.Code).toBe('Server.SpotInstanceTermination');
});

it('an image has its name alone, is pending for a while, and leaves with its snapshot', async () => {
  const id = await run('a');
  server.ec2.settle();
  expect(await stateOf(id)).toBe('running');
  const Tags = [{ Key: 'k', Value: 'v' }];
  const TagSpecifications = [
    { ResourceType: 'image' as const, Tags },
    { ResourceType: 'snapshot' as const, Tags },
  ];
  const wanted = { InstanceId: id, Name: 'once', NoReboot: true, TagSpecifications };
  const { ImageId = '' } = await ec2.createImage(wanted);
  await expect(ec2.createImage(wanted)).rejects.toMatchObject({ name: 'InvalidAMIName.Duplicate' });
  const shown = async () => (await ec2.describeImages({ ImageIds: [ImageId] })).Images![0];
  const snapshots = async () =>
    (await ec2.describeSnapshots({ Filters: [{ Name: 'tag:k', Values: ['v'] }] })).Snapshots!.length;
  expect([(await shown())?.State, await snapshots()]).toEqual(['pending', 1]);
  server.ec2.settle();
  expect((await shown())?.State).toBe('available');
  await ec2.deregisterImage({ ImageId, DeleteAssociatedSnapshots: true });
  expect(await snapshots()).toBe(0);
});
