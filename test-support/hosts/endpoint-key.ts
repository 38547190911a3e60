import { generateKeyPairSync } from 'node:crypto';

/** PEM of a key that the internal endpoint of a host may have. */
export function endpointKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}
