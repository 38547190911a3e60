/**
 * How replicas of the API know each other: each says where it answers as the identity of its poller on the queue of requests for
 * later, so no store is needed and a replica that is gone is forgotten. Whoever may write to Temporal can say anything there, so
 * the address has a MAC of the deployment's secret, and the connection is made with a key of it (docs/decisions/0081).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';
import { deriveKey } from '../sealing/deployment-secret.ts';

const PREFIX = 'ephemera-api ';
const MOST_CHARACTERS = 1000;

/** `replicaId`: tells apart replicas for those who read the list of pollers. */
export function replicaIdentity(source: KeySource, deployment: string, address: string, replicaId: string): string {
  return PREFIX + JSON.stringify({ address, mac: macOf(source, deployment, address), replicaId });
}

/** `host:port` of a replica of this deployment, or undefined for any other poller. Never throws. */
export function replicaAddressIn(source: KeySource, deployment: string, identity: string): string | undefined {
  if (!identity.startsWith(PREFIX) || identity.length > MOST_CHARACTERS) return undefined;
  try {
    const { address, mac } = JSON.parse(identity.slice(PREFIX.length)) as Record<string, unknown>;
    if (typeof address !== 'string' || typeof mac !== 'string') return undefined;
    const [expected, presented] = [Buffer.from(macOf(source, deployment, address)), Buffer.from(mac)];
    return expected.length === presented.length && timingSafeEqual(expected, presented) ? address : undefined;
  } catch {
    return undefined;
  }
}

/** What both ends of a connection between replicas have: each proves by it that it has the deployment's secret. */
export function replicaSharedKey(source: KeySource, deployment: string): Buffer {
  return Buffer.from(deriveKey(keyFor(source, 'api-replica'), `connection/${deployment}`));
}

function macOf(source: KeySource, deployment: string, address: string): string {
  const key = deriveKey(keyFor(source, 'api-replica'), `address/${deployment}`);
  return createHmac('sha256', key).update(address).digest('hex');
}
