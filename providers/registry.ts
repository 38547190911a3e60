/** The providers that there are; one line each. The first is that of a deployment that names none. */
import type { ProviderDescriptor } from './descriptor.ts';
import { azure } from './azure/descriptor.ts';
import { digitalocean } from './digitalocean/descriptor.ts';
import { ec2 } from './ec2/descriptor.ts';
import { gcp } from './gcp/descriptor.ts';
import { local } from './local/descriptor.ts';
import { qemu } from './qemu/descriptor.ts';

export const PROVIDERS: readonly ProviderDescriptor[] = [local, qemu, gcp, ec2, digitalocean, azure];
