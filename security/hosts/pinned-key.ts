import { createHash, type X509Certificate } from 'node:crypto';

/**
 * By what a host's endpoint is known: the SHA-256 of its public key. A certificate around the same key may change, be of
 * any name and never expire; who is asked decides by the key alone.
 */
export function keyFingerprint({ publicKey }: Pick<X509Certificate, 'publicKey'>): string {
  return `sha256:${createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;
}
