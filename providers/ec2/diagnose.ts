/** What a deployment on EC2 needs, asked of EC2 itself; each finding says what to do about it. Nothing is made. */
import type { EC2, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import type { CloudFailure } from '../cloud/cloud-failure.ts';
import type { DiagnosisParts, Finding } from '../descriptor.ts';
import { ec2Client } from './calls/ec2-calls.ts';
import { failureOfCall } from './calls/ec2-errors.ts';
import { imageQuestion } from './machine/image-reference.ts';
import { OWN_SERVER_REGION } from './place.ts';
import type { Ec2Rules } from './rules.ts';
import type { Ec2Settings } from './settings.ts';

export interface Ec2Finding extends Finding {
  check: 'credentials' | 'permissions' | 'subnets' | 'securityGroups' | 'image';
}

type DoctorSettings = Pick<Ec2Settings, 'region' | 'endpoint' | 'image' | 'instanceProfile'> & { rules: Ec2Rules };

/** What is asked for a deployment with these settings. */
export function diagnose({ own }: DiagnosisParts<Ec2Settings>): Promise<Ec2Finding[]> {
  return diagnoseEc2(own);
}

/** Asks everything that can be asked; what a missing answer makes senseless is left out. */
export async function diagnoseEc2(own: DoctorSettings): Promise<Ec2Finding[]> {
  const region = own.region ?? OWN_SERVER_REGION;
  const client = await ec2Client({ region, endpoint: own.endpoint });
  try {
    const doctor = new Ec2Doctor(own, region, client);
    const credentials = await doctor.credentials();
    if (!credentials.ok) return [credentials];
    const { finding: image, imageId } = await doctor.image();
    const places = [...(await doctor.subnets()), ...(await doctor.securityGroups())];
    return [credentials, await doctor.permissions(imageId), ...places, image];
  } finally {
    client.destroy();
  }
}

/** Ids that nothing has: what may not be used is refused before it is looked for. */
const NOTHING = { instance: 'i-0123456789abcdef0', image: 'ami-0123456789abcdef0' } as const;

class Ec2Doctor {
  readonly #own: DoctorSettings;
  readonly #region: string;
  readonly #client: EC2;

  constructor(own: DoctorSettings, region: string, client: EC2) {
    this.#own = own;
    this.#region = region;
    this.#client = client;
  }

  async credentials(): Promise<Ec2Finding> {
    const failure = await failureOf(this.#client.describeInstances({ MaxResults: 5 }));
    if (failure === undefined) return well('credentials', `EC2 answers in ${this.#region}`);
    if (failure.reason === 'UnauthorizedOperation') {
      return well('credentials', 'EC2 knows them, though they may not list instances');
    }
    const todo =
      failure.kind === 'permission'
        ? 'Give AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on an instance with a role; see docs/amazon-ec2.md.'
        : `Correct EPHEMERA_EC2_REGION (${this.#region}) if it is wrong, and look at the network between here and Amazon.`;
    return bad('credentials', failure.message, todo);
  }

  /** By calls that EC2 checks and does not make. */
  async permissions(imageId: string): Promise<Ec2Finding> {
    const client = this.#client;
    const DryRun = true;
    const instances = { InstanceIds: [NOTHING.instance], DryRun };
    const tags = { Resources: [NOTHING.instance], Tags: [{ Key: 'ephemera-doctor', Value: '' }], DryRun };
    const asked: Record<string, Promise<unknown>> = {
      RunInstances: client.runInstances({ ...this.#machine(imageId), DryRun }),
      CreateTags: client.createTags(tags),
      DeleteTags: client.deleteTags(tags),
      StartInstances: client.startInstances(instances),
      StopInstances: client.stopInstances(instances),
      TerminateInstances: client.terminateInstances(instances),
      GetConsoleOutput: client.getConsoleOutput({ InstanceId: NOTHING.instance, DryRun }),
      CreateImage: client.createImage({ InstanceId: NOTHING.instance, Name: 'ephemera-doctor', DryRun }),
      DeregisterImage: client.deregisterImage({ ImageId: NOTHING.image, DryRun }),
      DescribeInstances: client.describeInstances({ DryRun }),
      DescribeImages: client.describeImages({ ImageIds: [NOTHING.image], DryRun }),
    };
    const answers = await Promise.all(
      Object.entries(asked).map(async ([action, answer]) => ({ action, failure: await failureOf(answer) })),
    );
    const refused = answers.filter(({ failure }) => failure?.kind === 'permission');
    const missing = refused.map(({ action }) => `ec2:${action}`);
    if (missing.length === 0)
      return well('permissions', `all ${Object.keys(asked).length} that were tried are granted`);
    return bad(
      'permissions',
      `missing: ${missing.sort().join(', ')}`,
      'Grant them by the policy in docs/amazon-ec2.md.',
    );
  }

  async subnets(): Promise<Ec2Finding[]> {
    const findings: Ec2Finding[] = [];
    for (const [zone, subnet] of Object.entries(this.#own.rules.subnets)) {
      findings.push(await this.#subnet(zone, subnet));
    }
    const wrong = findings.filter(({ ok }) => !ok);
    return wrong.length > 0 || findings.length === 0
      ? wrong
      : [well('subnets', findings.map(({ found }) => found).join(', '))];
  }

  async securityGroups(): Promise<Ec2Finding[]> {
    const { securityGroups, egressSecurityGroups } = this.#own.rules;
    const GroupIds = [...new Set([...securityGroups, ...egressSecurityGroups])];
    if (GroupIds.length === 0) return [];
    const failure = await failureOf(this.#client.describeSecurityGroups({ GroupIds }));
    if (failure === undefined) return [well('securityGroups', GroupIds.join(', '))];
    const todo = 'Correct EPHEMERA_EC2_SECURITY_GROUPS and EPHEMERA_EC2_EGRESS_SECURITY_GROUPS.';
    return [bad('securityGroups', failure.message, todo)];
  }

  async image(): Promise<{ finding: Ec2Finding; imageId: string }> {
    const name = this.#own.image ?? "Canonical's minimal Ubuntu";
    try {
      const { Images = [] } = await this.#client.describeImages(imageQuestion('vm-server', this.#own.image));
      const [newest] = Images.sort((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
      if (newest?.ImageId !== undefined) {
        return { finding: well('image', `${name} is ${newest.ImageId}`), imageId: newest.ImageId };
      }
      return { finding: bad('image', `no image ${name}`, IMAGE_TODO), imageId: NOTHING.image };
    } catch (error) {
      return { finding: bad('image', failureOfCall(error).message, IMAGE_TODO), imageId: NOTHING.image };
    }
  }

  async #subnet(zone: string, subnet: string): Promise<Ec2Finding> {
    const todo = `Correct EPHEMERA_EC2_SUBNETS for ${zone}.`;
    try {
      const { Subnets = [] } = await this.#client.describeSubnets({ SubnetIds: [subnet] });
      const { AvailabilityZone, AvailableIpAddressCount = 0 } = Subnets[0] ?? {};
      if (AvailabilityZone !== zone) return bad('subnets', `${subnet} is in ${AvailabilityZone ?? 'no zone'}`, todo);
      const found = `${zone}: ${AvailableIpAddressCount} free addresses`;
      if (AvailableIpAddressCount > 0) return well('subnets', found);
      return bad('subnets', found, `Name a larger subnet for ${zone}, or destroy what is not needed.`);
    } catch (error) {
      return bad('subnets', failureOfCall(error).message, todo);
    }
  }

  #machine(ImageId: string): RunInstancesCommandInput {
    const { rules, instanceProfile } = this.#own;
    const [SubnetId] = Object.values(rules.subnets);
    return {
      ...{ MinCount: 1, MaxCount: 1, ImageId, InstanceType: 't3.micro' },
      ...(SubnetId === undefined ? {} : { SubnetId }),
      ...(rules.securityGroups.length === 0 ? {} : { SecurityGroupIds: [...rules.securityGroups] }),
      ...(instanceProfile === null ? {} : { IamInstanceProfile: { Name: instanceProfile } }),
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'ephemera-doctor', Value: '' }] }],
    };
  }
}

const IMAGE_TODO = 'Set EPHEMERA_EC2_IMAGE to an image that is in this region.';

async function failureOf(answer: Promise<unknown>): Promise<CloudFailure | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    const failure = failureOfCall(error);
    return failure.reason === 'DryRunOperation' ? undefined : failure;
  }
}

function well(check: Ec2Finding['check'], found: string): Ec2Finding {
  return { check, ok: true, found, todo: '' };
}

function bad(check: Ec2Finding['check'], found: string, todo: string): Ec2Finding {
  return { check, ok: false, found, todo };
}
