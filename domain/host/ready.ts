import type { RoomSize } from '../capacity/room.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { isRecord } from '../untrusted.ts';
import type { HostFacts, LeaseStatus } from './state.ts';

/** As EPHEMERA_HOST_LOST_SECONDS: of a far larger one no time can be told, and its workflow would fail for ever. */
const MOST_LOST_SECONDS = 7 * 24 * 3600;

/**
 * What a host says when it is ready: a Temporal CLI may send anything, so each part is looked at. With a shorter
 * `lostSeconds` than a host can be told a host would be lost before it can renew its lease, and its machines elsewhere
 * while its fence still lets them run here.
 */
export function isHostReady(
  value: unknown,
  leastLostSeconds: number = TIMEOUTS.hostLostMinSeconds,
): value is { incarnation: string; facts: HostFacts } {
  if (!isRecord(value) || typeof value['incarnation'] !== 'string' || !isRecord(value['facts'])) return false;
  const {
    version,
    providers,
    roomless = [],
    addresses = [],
    capacity,
    zone,
    labels,
    address,
    fingerprint,
    lostSeconds,
  } = value['facts'];
  return (
    typeof version === 'string' &&
    [providers, roomless, addresses].every(isListOfTexts) &&
    isSize(capacity) &&
    isRecord(labels) &&
    Object.values(labels).every((label) => typeof label === 'string') &&
    [zone, address, fingerprint].every((text) => text === null || typeof text === 'string') &&
    typeof lostSeconds === 'number' &&
    lostSeconds >= leastLostSeconds &&
    lostSeconds <= MOST_LOST_SECONDS
  );
}

/** What a heartbeat of a lease carries, as it is read back from Temporal. */
export function isLeaseStatus(value: unknown): value is LeaseStatus {
  return isRecord(value) && isAmount(value['machines']) && isSize(value['free']);
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isSize(value: unknown): value is RoomSize {
  return isRecord(value) && ['cpus', 'memoryMb', 'diskGb'].every((kind) => isAmount(value[kind]));
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
