import type { Ec2Server } from './server.ts';

/** Settings of a deployment whose machines are on this server. */
export function settingsOf({ endpoint, world }: Ec2Server): Record<string, string> {
  return {
    EPHEMERA_EC2_ENDPOINT: endpoint,
    EPHEMERA_EC2_REGION: world.region,
    EPHEMERA_EC2_SUBNETS: [...world.subnets].map(([zone, subnet]) => `${zone}=${subnet}`).join(','),
    EPHEMERA_EC2_SECURITY_GROUPS: world.securityGroup,
    EPHEMERA_EC2_EGRESS_SECURITY_GROUPS: world.securityGroup,
    EPHEMERA_EC2_IMAGE: world.image,
  };
}
