/**
 * One worker for each host: two of them would not see each other's reservations, and each would answer for machines that
 * the other one makes. A worker claims its host id by polling a queue that has no tasks; its identity there says who it
 * is, and Temporal says when it polled last.
 */

const PREFIX = 'ephemera-host';

export interface HostClaim {
  hostId: string;
  /** `starting`: it does not serve yet, and looks whether another one does. */
  phase: 'starting' | 'serving';
  /** Epoch ms by its own clock. */
  startedAt: number;
  /** Its process, and the computer that knows whether it lives. */
  computer: string;
  pid: number;
  processStartedAt: string;
}

/** The claim as a poller's identity, which people read in Temporal's Web UI too. */
export function claimIdentity(claim: HostClaim): string {
  const { hostId, phase, startedAt, computer, pid, processStartedAt } = claim;
  return [PREFIX, hostId, phase, startedAt, computer, pid, processStartedAt]
    .map((part) => encodeURIComponent(part))
    .join(' ');
}

/** Undefined for pollers that are no hosts. */
export function parseClaim(identity: string): HostClaim | undefined {
  const [prefix, ...parts] = identity.split(' ').map(decoded);
  if (prefix !== PREFIX || parts.length !== 6) return undefined;
  const [hostId = '', phase, startedAt, computer = '', pid, processStartedAt = ''] = parts;
  if (hostId === '' || (phase !== 'starting' && phase !== 'serving')) return undefined;
  return { hostId, phase, startedAt: Number(startedAt), computer, pid: Number(pid), processStartedAt };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** Whether both are of one process, which shows itself in another phase after a while. */
export function isSameProcess(one: HostClaim, other: HostClaim): boolean {
  return processOf(one) === processOf(other);
}

/**
 * Whether a worker ends for another one of its host id that is alive: for one that serves already, and of two that start or
 * serve at the same time for the one that started first. Exactly one of two yields.
 */
export function yieldsTo(mine: HostClaim, other: HostClaim): boolean {
  if (mine.hostId !== other.hostId || isSameProcess(mine, other)) return false;
  if (mine.phase !== other.phase) return other.phase === 'serving';
  if (mine.startedAt !== other.startedAt) return other.startedAt < mine.startedAt;
  return processOf(other) < processOf(mine);
}

function processOf({ computer, pid, processStartedAt }: HostClaim): string {
  return [computer, pid, processStartedAt].map((part) => encodeURIComponent(part)).join(' ');
}
