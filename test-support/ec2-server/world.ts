/** What is there before any machine: a network of loopback addresses, its security group, and an image. */
import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  RegisterImageCommand,
} from '@aws-sdk/client-ec2';

export interface World {
  region: string;
  /** Subnet of each zone. */
  subnets: ReadonlyMap<string, string>;
  securityGroup: string;
  /** An image with 15 GB. */
  image: string;
  internet: string;
}

const REGION = 'eu-central-1';
const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'] as const;

/** Empties the account first. */
export async function makeWorld(url: string): Promise<World> {
  await fetch(`${url}/moto-api/reset`, { method: 'POST' });
  const client = new EC2Client({
    region: REGION,
    endpoint: url,
    credentials: { accessKeyId: 'played', secretAccessKey: 'played' },
  });
  // Servers of other test files have loopback addresses too.
  const [inner, outer, part] = [60 + random(100), 160 + random(90), 4 * random(64)];
  const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: `127.${inner}.${part}.0/22` }));
  const subnets = new Map<string, string>();
  for (const [index, zone] of ZONES.entries()) {
    const network = { VpcId: Vpc?.VpcId, CidrBlock: `127.${inner}.${part + index}.0/24` };
    const { Subnet } = await client.send(new CreateSubnetCommand({ ...network, AvailabilityZone: zone }));
    subnets.set(zone, Subnet?.SubnetId ?? '');
  }
  const group = { GroupName: 'ephemera', Description: 'of machines', VpcId: Vpc?.VpcId };
  const { GroupId = '' } = await client.send(new CreateSecurityGroupCommand(group));
  const root = '/dev/sda1';
  const { ImageId = '' } = await client.send(
    new RegisterImageCommand({
      Name: 'ubuntu-played-26.04',
      RootDeviceName: root,
      BlockDeviceMappings: [{ DeviceName: root, Ebs: { VolumeSize: 15 } }],
    }),
  );
  client.destroy();
  return { region: REGION, subnets, securityGroup: GroupId, image: ImageId, internet: `127.${outer}` };
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
