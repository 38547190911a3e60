import { createHash } from 'node:crypto';

/**
 * What seals the files that an agent keeps on its machine's disk: of the secret that the machine is made with, so as secret as
 * that, and as stable. It stays with the machine when its secret becomes another one.
 */
export function machineKeyOf(machineId: string, firstSecret: string): string {
  return createHash('sha256').update(`machine key\0${machineId}\0${firstSecret}`).digest('base64url');
}
