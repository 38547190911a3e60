import { GCE } from './gce/gce-identity.ts';
import type { InstancePlatform } from './instance-platform.ts';

/** The clouds whose instances prove themselves; one line each. */
export const INSTANCE_PLATFORMS: readonly InstancePlatform[] = [GCE];
