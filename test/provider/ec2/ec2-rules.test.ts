/** What a machine of EC2 is made with, and what a deployment allows of it, by the provider alone. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { ec2 } from '../../../providers/ec2/descriptor.ts';
import { EC2_RULES, type Ec2Rules } from '../../../providers/ec2/rules.ts';
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

const make = (spec: Partial<VmSpec>, rules: Partial<Ec2Rules> = {}) =>
  harness
    .withOptions({ rules: { ...harness.options.rules!, ...rules } })
    .create(ec2Request({ spec: chatOnEc2(spec) }), never);
const made = (): URLSearchParams => harness.server.calls.findLast(({ action }) => action === 'RunInstances')!.params;

describe('a machine on EC2', () => {
  it('shows its metadata to version 2 alone, has no profile, an encrypted disk that goes with it, and stays when it shuts down', async () => {
    await make({});
    expect(Object.fromEntries(made())).toMatchObject({
      MinCount: '1',
      MaxCount: '1',
      InstanceType: 't3.nano',
      'MetadataOptions.HttpTokens': 'required',
      'MetadataOptions.HttpPutResponseHopLimit': '1',
      'MetadataOptions.InstanceMetadataTags': 'enabled',
      InstanceInitiatedShutdownBehavior: 'stop',
      'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
      'BlockDeviceMapping.1.Ebs.Encrypted': 'true',
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'BlockDeviceMapping.1.Ebs.VolumeSize': '15',
      'NetworkInterface.1.SubnetId': harness.server.world.subnets.get('eu-central-1a'),
      'NetworkInterface.1.AssociatePublicIpAddress': 'false',
      'NetworkInterface.1.SecurityGroupId.1': harness.server.world.securityGroup,
    });
    expect([...made().keys()].filter((name) => /IamInstanceProfile|KeyName|InstanceMarketOptions/.test(name))).toEqual(
      [],
    );
  });

  it('has no secret in its user data: that stays on its disk', async () => {
    await make({});
    const userData = Buffer.from(made().get('UserData') ?? '', 'base64').toString();
    expect(userData).toContain('http://10.0.0.2:7400');
    expect(userData).not.toContain('one-time');
  });

  it('has further security groups where it reaches the internet, and none of these where it does not', async () => {
    const egressSecurityGroups = ['sg-0123456789abcdef0'];
    harness.server.faults.add({
      method: 'RunInstances',
      times: 2,
      what: { kind: 'answer', status: 400, reason: 'InvalidGroup.NotFound', message: 'as asked' },
    });
    await make({ egress: true }, { egressSecurityGroups }).catch(() => undefined);
    expect(made().get('NetworkInterface.1.SecurityGroupId.2')).toBe('sg-0123456789abcdef0');
    await make({ egress: false }, { egressSecurityGroups }).catch(() => undefined);
    expect(made().get('NetworkInterface.1.SecurityGroupId.2')).toBeNull();
  });

  it('is the smallest type that is large enough, or the one that its spec names', async () => {
    await make({ cpus: 2, memoryMb: 3000 });
    expect(made().get('InstanceType')).toBe('t3.medium');
    await make({ machineType: 't3.large' });
    expect(made().get('InstanceType')).toBe('t3.large');
  });

  it.each([
    ['a zone without a subnet', { zones: ['eu-central-1d'] }, {}, /field zones: .*eu-central-1a/],
    ['an address on the internet', { externalIp: true }, { externalIp: 'never' }, /field externalIp/],
    [
      'egress that no group gives',
      { egress: true },
      { egressSecurityGroups: [] },
      /field egress: .*EPHEMERA_EC2_EGRESS/,
    ],
    ['another machine type', { machineType: 'p5.48xlarge' }, {}, /field machineType: p5.48xlarge .*t3/],
    ['a size whose type is another one', { cpus: 16, memoryMb: 65_536 }, {}, /field machineType: m6i.4xlarge/],
    ['more labels than fit', { labels: labels(40) }, {}, /field labels: at most \d+/],
    ['a label of ours', { labels: { 'ephemera-machine': 'x' } }, {}, /field labels.ephemera-machine/],
    ['user data that is too long', { userData: `#!/bin/sh\n# ${noise(60_000)}` }, {}, /field userData: .*16384/],
  ] as const)('is refused with %s, before anything is asked of the cloud', async (_, spec, rules, message) => {
    await expect(make(spec as Partial<VmSpec>, rules as Partial<Ec2Rules>)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringMatching(message) as string,
    });
    expect(harness.server.calls).toEqual([]);
  });
});

it('the API refuses the same before it creates anything, each with its own code', () => {
  const own = { rules: { ...EC2_RULES, securityGroups: ['sg-0'] } } as unknown as Parameters<typeof ec2.refuse>[1];
  const spec = chatOnEc2();
  expect(ec2.refuse(spec, own)).toBeUndefined();
  expect(ec2.refuse(chatOnEc2({ externalIp: true }), own)).toMatchObject({
    code: 'optionNotAllowed',
    field: 'externalIp',
  });
  expect(ec2.refuse(chatOnEc2({ image: '??' }), own)).toMatchObject({ code: 'invalidRequest', field: 'image' });
  const stops = { ...spec, spot: true, idle: { ...spec.idle, action: 'stop' as const } };
  expect(ec2.refuse(stops, own)).toMatchObject({ code: 'unsupportedOption', field: 'idle' });
});

function labels(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`label-${index}`, 'x']));
}

/** Text that packs badly. */
function noise(length: number): string {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, index) =>
    createHash('sha256').update(String(index)).digest('hex'),
  );
  return blocks.join('').slice(0, length);
}
