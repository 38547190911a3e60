import { AZURE } from './azure/azure-platform.ts';
import { DIGITALOCEAN } from './digitalocean/digitalocean-platform.ts';
import { EC2 } from './ec2/ec2-platform.ts';
import { GCE } from './gce/gce-identity.ts';
import type { InstancePlatform } from './instance-platform.ts';

/** The clouds whose instances vm-server knows; one line each. */
export const INSTANCE_PLATFORMS: readonly InstancePlatform[] = [GCE, DIGITALOCEAN, AZURE, EC2];
