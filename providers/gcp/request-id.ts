import { createHash } from 'node:crypto';

/** Namespace of our request ids, so that they collide with nobody else's. */
const NAMESPACE = 'ephemera.compute.v1';

/**
 * The UUID (version 5 in form) that a call always carries: the same words, the same id, in every process. Compute
 * Engine answers a request id it has seen within an hour with the operation of the first call.
 */
export function requestIdOf(...words: readonly (string | number)[]): string {
  const hash = createHash('sha256')
    .update([NAMESPACE, ...words].join('\0'))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
