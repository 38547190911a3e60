import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diagnoseEc2 } from '../../../providers/ec2/diagnose.ts';
import { ec2Harness, useMoto, type Ec2Harness } from '../../../test-support/ec2-server/harness.ts';

useMoto();

let harness: Ec2Harness;
beforeEach(async () => {
  harness = await ec2Harness();
});
afterEach(() => harness.dispose());

const settings = (more: object = {}) => {
  const { region, rules, endpoint, image } = harness.options;
  return { region, rules: rules!, endpoint: endpoint!, image: image!, instanceProfile: null, ...more };
};
const faulty = async (more: object = {}) => (await diagnoseEc2(settings(more))).filter(({ ok }) => !ok);

describe('doctor of EC2', () => {
  it('finds all well where it is, and makes nothing', async () => {
    const findings = await diagnoseEc2(settings());
    expect(findings.map(({ check, ok }) => [check, ok])).toEqual([
      ['credentials', true],
      ['permissions', true],
      ['subnets', true],
      ['securityGroups', true],
      ['image', true],
    ]);
    expect(harness.server.ec2.instances.size).toBe(0);
  });

  it('names each permission that is missing', async () => {
    for (const action of ['RunInstances', 'CreateTags']) harness.server.ec2.denied.add(action);
    expect(await faulty()).toMatchObject([
      {
        check: 'permissions',
        found: 'missing: ec2:CreateTags, ec2:RunInstances',
        todo: expect.stringContaining('policy') as string,
      },
    ]);
  });

  it('says which subnet, security group and image is not there', async () => {
    const { rules } = harness.options;
    const [first = ''] = harness.server.world.subnets.values();
    const wrong = {
      ...rules!,
      subnets: { 'eu-central-1b': first, 'eu-central-1c': 'subnet-0123456789abcdef0' },
      securityGroups: ['sg-0123456789abcdef0'],
    };
    expect(await faulty({ rules: wrong, image: 'self/none-*' })).toMatchObject([
      {
        check: 'subnets',
        found: `${first} is in eu-central-1a`,
        todo: 'Correct EPHEMERA_EC2_SUBNETS for eu-central-1b.',
      },
      { check: 'subnets', found: expect.stringContaining('subnet-0123456789abcdef0') as string },
      { check: 'securityGroups', found: expect.stringContaining('sg-0123456789abcdef0') as string },
      { check: 'image', found: 'no image self/none-*' },
    ]);
  });

  it('says so where EC2 does not know the credentials, and asks no further', async () => {
    const what = { kind: 'answer', status: 401, reason: 'AuthFailure', message: 'could not be validated' } as const;
    harness.server.faults.add({ method: '*', times: 1, what });
    expect(await diagnoseEc2(settings())).toMatchObject([
      { check: 'credentials', ok: false, found: 'could not be validated' },
    ]);
    expect(harness.server.calls).toHaveLength(1);
  });
});
