import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EC2 } from '@aws-sdk/client-ec2';
import { type Image } from '@aws-sdk/client-ec2';
import type { CreateMachineRequest, MachineImage } from '../../../domain/machine/provider.ts';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';
import { ec2Client } from '../../../providers/ec2/calls/ec2-calls.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  chatOnEc2,
  ec2Harness,
  ec2Request,
  useMoto,
  type Ec2Harness,
} from '../../../test-support/ec2-server/harness.ts';

const never = { signal: new AbortController().signal };

useMoto();

describe('an image of an EC2 machine', () => {
  let harness: Ec2Harness;
  let client: EC2;
  let machineId: string;
  let name: string;

  beforeEach(async () => {
    harness = await ec2Harness();
    client = await ec2Client({ region: harness.server.world.region, endpoint: harness.server.endpoint });
    ({ machineId } = await harness.provider.create(ec2Request(), never));
    await harness.provider.power!.stop(machineId, never);
    name = `${machineId}-i1`;
  });
  afterEach(() => harness.dispose());

  const make = (call = never, provider = harness.provider): Promise<MachineImage> =>
    provider.images!.create({ name, family: 'lobby', machineId }, call);
  const from = (more: Partial<CreateMachineRequest['spec']> = {}): CreateMachineRequest =>
    ec2Request({ spec: chatOnEc2({ ...more, startFrom: { imageId: name, host: null } }) });
  const own = async (): Promise<Image[]> =>
    (await client.describeImages({ Filters: [{ Name: 'tag-key', Values: ['ephemera-image'] }] })).Images!;
  const snapshots = async () =>
    (await client.describeSnapshots({ Filters: [{ Name: 'tag-key', Values: ['ephemera-image'] }] })).Snapshots!;

  it('and its snapshot say in their tags what they are, and are of a family that no other project has', async () => {
    await make();
    const [image] = await own();
    const tags = Object.fromEntries(image!.Tags!.map(({ Key = '', Value = '' }) => [Key, Value]));
    expect(image!.Name).toBe(serverNameOf('test', name));
    expect(tags).toMatchObject({ 'ephemera-deployment': 'test', 'ephemera-image': name });
    expect(tags['family']).toMatch(/^eph-test-default-lobby-h/);
    expect(await snapshots()).toHaveLength(1);
    expect(JSON.stringify(image)).not.toContain('one-time');
  });

  it('is made once where the answer to its create is lost', async () => {
    harness.server.faults.add({ method: 'CreateImage', times: 1, what: { kind: 'resetAfter' } });
    expect(await make()).toMatchObject({ name, status: 'ready' });
    expect([harness.server.ec2.imageCount, (await own()).length]).toEqual([1, 1]);
  });

  it('is adopted by another worker where the first one is gone in the middle', async () => {
    harness.server.ec2.stepMs = 3_600_000;
    const first = new AbortController();
    const lost = make({ signal: first.signal }).catch((error: unknown) => error);
    await eventually(async () => expect((await own())[0]?.State).toBe('pending'));
    first.abort(new Error('the worker is gone'));
    expect(await lost).toMatchObject({ message: 'the worker is gone' });
    harness.server.ec2.settle();
    expect(await make(never, harness.restarted())).toMatchObject({ name, status: 'ready' });
    expect(harness.server.countOf('CreateImage')).toBe(1);
  });

  it('goes with its snapshot where it is deleted, also in the middle of its making', async () => {
    await make();
    await harness.provider.images!.delete(name, never);
    expect([await own(), await snapshots()]).toEqual([[], []]);
    harness.server.ec2.stepMs = 3_600_000;
    const given = new AbortController();
    const lost = make({ signal: given.signal }).catch((error: unknown) => error);
    await eventually(async () => expect(await own()).toHaveLength(1));
    given.abort(new Error('given up'));
    await lost;
    harness.server.ec2.settle();
    await harness.restarted().images!.delete(name, never);
    expect([await own(), await snapshots()]).toEqual([[], []]);
  });

  it.each([
    ['a quota that is used up', 'imageQuotaExceeded', /snapshots/],
    ['a permission that is missing', 'permissionDenied', /ec2:CreateImage/],
  ])('is refused for good by %s, which it names', async (_, code, words) => {
    if (code === 'permissionDenied') harness.server.ec2.denied.add('CreateImage');
    else harness.server.ec2.imageQuota = 0;
    await expect(make()).rejects.toMatchObject({ code, message: expect.stringMatching(words) as string });
    expect(await own()).toEqual([]);
    expect((await harness.provider.power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
  });

  it('starts machines in any zone, with a disk that is as large as it at least', async () => {
    await make();
    const again = from({ zones: ['eu-central-1c'], diskGb: 4 });
    expect(await harness.provider.create(again, never)).toMatchObject({ zone: 'eu-central-1c', status: 'running' });
    const { params } = harness.server.calls.findLast(({ action }) => action === 'RunInstances')!;
    expect(params.get('BlockDeviceMapping.1.Ebs.VolumeSize')).toBe('15');
    expect(params.get('ImageId')).toBe((await own())[0]!.ImageId);
  });

  it('that is gone between the look at it and the making of a machine ends that create with its own code', async () => {
    await make();
    harness.server.faults.add({
      method: 'RunInstances',
      times: 1,
      what: { kind: 'answer', status: 400, reason: 'InvalidAMIID.NotFound', message: 'does not exist' },
    });
    await expect(harness.provider.create(from(), never)).rejects.toMatchObject({ code: 'imageGone' });
  });

  it('is deprecated on request, and still what its session is reopened from', async () => {
    await make();
    await harness.provider.images!.deprecate(name, never);
    expect(await harness.provider.images!.list(never)).toMatchObject([{ name, deprecated: true, status: 'ready' }]);
    expect((await harness.provider.create(from(), never)).status).toBe('running');
  });

  it('is no image that a spec may name, for it is the disk of the users of one project', async () => {
    await make();
    const [image] = await own();
    for (const named of [image!.ImageId!, `self/${image!.Name}`]) {
      const request = ec2Request({ spec: chatOnEc2({ image: named }) });
      await expect(harness.provider.create(request, never)).rejects.toMatchObject({
        code: 'badSpec',
        message: expect.stringContaining('reopen') as string,
      });
    }
  });
});

it('a family is the newest image of the account with its tag, and a name with * the newest of those', async () => {
  const harness = await ec2Harness();
  try {
    const { region, image } = harness.server.world;
    const client = await ec2Client({ region, endpoint: harness.server.endpoint });
    await client.createTags({ Resources: [image], Tags: [{ Key: 'family', Value: 'game' }] });
    for (const named of ['family/game', 'self/ubuntu-played-*']) {
      const request = ec2Request({ spec: chatOnEc2({ image: named }) });
      expect((await harness.provider.create(request, never)).status).toBe('running');
      const { params } = harness.server.calls.findLast(({ action }) => action === 'RunInstances')!;
      expect(params.get('ImageId')).toBe(image);
    }
  } finally {
    await harness.dispose();
  }
});
