import { createHash } from 'node:crypto';

/**
 * The UUID (version 5 in form) that a call always carries: the same words, the same id, in every process. A cloud that
 * has seen the id of a request lately answers with what the first call began. `namespace`: stable, of the provider.
 */
export function requestIdOf(namespace: string, ...words: readonly (string | number)[]): string {
  const hash = createHash('sha256')
    .update([namespace, ...words].join('\0'))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
