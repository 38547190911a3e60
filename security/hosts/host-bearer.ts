/**
 * By what a host knows the API: a bearer of its own, bound to the key of its internal endpoint. What one host has is worth
 * nothing at any other, and the API shows it to nobody but who has that key (docs/decisions/0052).
 */
import { createHmac } from 'node:crypto';
import { deriveKey } from '../sealing/deployment-secret.ts';
import { keyFor, type HostKeys, type KeySource } from './host-keys.ts';

/** What the API says to the host whose endpoint has this fingerprint. `source` has the key that no joined host has. */
export function hostBearer(source: KeySource, fingerprint: string): string {
  return macOf(keyFor(source, 'host-bearer'), fingerprint);
}

/** The same for a host that joined before each had a bearer of its own, and then got a key that all of them had. */
export function bearerOfBefore(source: KeySource, fingerprint: string): string {
  return macOf(keyFor(source, 'internal'), fingerprint);
}

/** The one bearer that a host with these keys and this endpoint accepts. */
export function acceptedBearer(keys: HostKeys, fingerprint: string): string {
  const { 'own-bearer': own, internal } = keys;
  if (own !== undefined) return Buffer.from(own).toString('hex');
  return internal === undefined ? hostBearer(keys, fingerprint) : bearerOfBefore(keys, fingerprint);
}

/**
 * What another host of the deployment says to the one whose endpoint has this fingerprint: it gets machine images for that,
 * and nothing else. From a key that every host has.
 */
export function peerBearer(source: KeySource, fingerprint: string): string {
  return macOf(deriveKey(keyFor(source, 'start-signature'), 'machine-images'), fingerprint);
}

function macOf(key: Uint8Array, fingerprint: string): string {
  return createHmac('sha256', key).update(fingerprint).digest('hex');
}
