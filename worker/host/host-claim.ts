/** Keeps a second worker away from a host id; the rule is in domain/host/claim.ts. */
import { readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { describeQueue } from '../../config/queue-facts.ts';
import { claimIdentity, isSameProcess, parseClaim, yieldsTo, type HostClaim } from '../../domain/host/claim.ts';
import { hostClaimTaskQueue } from '../../domain/wire-names.ts';
import { bootId } from '../../lib/processes/boot-id.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';
import { identify, isAlive } from '../../lib/processes/process-identity.ts';
import { secondsSinceBoot } from '../../lib/processes/seconds-since-boot.ts';

/** Temporal answers a poll a second or two before its deadline, so a host is seen again each second or two. */
const POLL_MS = 3000;
const PAUSE_MS = 250;
/** One that was not seen to poll for so long does not run. */
const WATCH_MS = 6000;

/** Another worker has this host id; the message names it and says what to do. */
export class HostConflictError extends Error {
  override readonly name = 'HostConflictError';
}

export interface HostClaimOptions {
  client: Client;
  controlTaskQueue: string;
  hostId: string;
  log: Logger;
}

/** A host id that this worker has to itself. */
export interface HeldClaim {
  /** Rejects with a {@link HostConflictError} when another worker turns out to serve that was there first. */
  lost: Promise<never>;
  /** From now on this worker is one that serves: one that starts yields to it. */
  serve: () => void;
  stop: () => void;
}

/**
 * Resolves when no other worker serves as this host. Rejects with a {@link HostConflictError} when one does. Temporal is
 * asked until it answers.
 */
export async function claimHost(options: HostClaimOptions): Promise<HeldClaim> {
  const claim = new HeldHost(options, await ownClaim(options.hostId));
  try {
    await claim.begin();
    return claim;
  } catch (error) {
    claim.stop();
    throw error;
  }
}

async function ownClaim(hostId: string): Promise<HostClaim> {
  const self = await identify(process.pid);
  return {
    ...{ hostId, phase: 'starting', startedAt: Date.now(), computer: await computerName(), pid: process.pid },
    processStartedAt: self?.startedAt ?? '',
  };
}

/** Process ids mean something within one boot of one computer, and within one container of it. */
async function computerName(): Promise<string> {
  const space = await readlink('/proc/self/ns/pid').catch(() => '');
  return [hostname(), bootId().slice(0, 8), space.replaceAll(/\D/g, '')].filter((part) => part !== '').join('.');
}

class HeldHost implements HeldClaim {
  readonly lost: Promise<never>;
  private readonly options: HostClaimOptions;
  private readonly claim: HostClaim;
  private readonly stopped = new AbortController();
  private readonly taskQueue: string;
  /** When the last poll that Temporal answered began, in seconds since boot. */
  private shownAt = secondsSinceBoot();
  /** It was not seen for a while and looks once more whether another worker serves; `since` its first look. */
  private lapsed: { since: number | null } | null = null;
  private lose: (why: HostConflictError) => void = () => undefined;

  constructor(options: HostClaimOptions, claim: HostClaim) {
    this.options = options;
    this.claim = claim;
    this.taskQueue = hostClaimTaskQueue(options.hostId, options.controlTaskQueue);
    this.lost = new Promise((_, reject) => {
      this.lose = reject;
    });
    this.lost.catch(() => undefined);
  }

  serve(): void {
    this.claim.phase = 'serving';
  }

  stop(): void {
    this.stopped.abort(new Error('the worker ends'));
  }

  /** Each worker shows itself before it looks, so of two that start at once at least one sees the other. */
  async begin(): Promise<void> {
    void this.show();
    const seen = await this.untilShown();
    const others = await this.mayLive([...seen.keys()]);
    if (others.length > 0) {
      this.options.log.info(
        { others },
        'another worker of this host id was here lately; looking whether it still serves',
      );
      await this.watch(seen, Date.now() + WATCH_MS, PAUSE_MS);
    }
    void this.keepWatching();
  }

  /** Polls as this worker until it stops. No task is ever on the queue. */
  private async show(): Promise<void> {
    const { client } = this.options;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const at = secondsSinceBoot();
      this.lapseIfUnseen(at);
      const request = {
        namespace: client.options.namespace,
        taskQueue: { name: this.taskQueue },
        identity: claimIdentity(this.claim),
      };
      const poll = (): Promise<unknown> => client.workflowService.pollActivityTaskQueue(request);
      const answered = client.withDeadline(Date.now() + POLL_MS, poll).then(() => (this.shownAt = at));
      // Temporal may be away; the next poll comes soon.
      await answered.catch(() => undefined);
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Whoever was not seen for so long, because it was stopped or cut off, has lost its claim to a worker that serves by now:
   * it looks first, as one that starts.
   */
  private lapseIfUnseen(now: number): void {
    const lookSeconds = WATCH_MS / 1000;
    if (this.claim.phase === 'serving' && now - this.shownAt > lookSeconds) {
      this.claim.phase = 'starting';
      this.lapsed = { since: null };
    } else if (typeof this.lapsed?.since === 'number' && this.shownAt - this.lapsed.since > lookSeconds) {
      this.lapsed = null;
      this.serve();
    }
  }

  private async untilShown(): Promise<Map<string, number>> {
    for (;;) {
      const seen = await this.look();
      if (seen.has(claimIdentity(this.claim))) return seen;
      await this.pause();
    }
  }

  /** When each worker polled last, by Temporal's clock. */
  private look(): Promise<Map<string, number>> {
    const { client, log } = this.options;
    const ask = async (): Promise<Map<string, number>> => {
      const { pollers } = await describeQueue(client, this.taskQueue);
      return new Map(pollers.map(({ identity, seenAt }) => [identity, seenAt]));
    };
    return retryForever(ask, this.stopped.signal, (error) =>
      log.warn({ err: error }, 'Temporal does not say yet whether another worker of this host id serves'),
    );
  }

  /** Workers other than this one, but for processes that this computer knows to have ended. */
  private async mayLive(identities: readonly string[]): Promise<string[]> {
    const others = new Set<string>();
    for (const claim of identities.map(parseClaim)) {
      if (claim === undefined || isSameProcess(claim, this.claim)) continue;
      const process = { pid: claim.pid, startedAt: claim.processStartedAt };
      if (claim.computer === this.claim.computer && !(await isAlive(process))) continue;
      others.add(`process ${claim.pid} on ${claim.computer}`);
    }
    return [...others];
  }

  /** Throws when a worker polls again to which this one yields. */
  private async watch(first: ReadonlyMap<string, number>, until: number, pauseMs: number): Promise<void> {
    let before = first;
    while (Date.now() < until) {
      await this.pause(this.lapsed === null ? pauseMs : PAUSE_MS);
      const now = await this.look();
      // What polled while this one was away need not live any more.
      if (this.lapsed?.since === null) {
        this.lapsed.since = secondsSinceBoot();
        before = now;
      }
      for (const [identity, at] of now) {
        const other = parseClaim(identity);
        const polledAgain = at > (before.get(identity) ?? 0);
        if (other !== undefined && polledAgain && yieldsTo(this.claim, other)) throw this.conflictWith(other);
      }
      before = now;
    }
  }

  private async keepWatching(): Promise<void> {
    try {
      await this.watch(await this.look(), Infinity, WATCH_MS / 2);
    } catch (error) {
      if (error instanceof HostConflictError) this.lose(error);
    }
  }

  private async pause(ms = PAUSE_MS): Promise<void> {
    const { signal } = this.stopped;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }

  private conflictWith({ hostId, computer, pid }: HostClaim): HostConflictError {
    return new HostConflictError(
      `Another worker serves as host "${hostId}" already: process ${pid} on ${computer}. Each host has one worker. Give ` +
        `this one an id and a state directory of its own (EPHEMERA_HOST_ID, EPHEMERA_STATE_DIR), or stop that one first. ` +
        `For a second control worker set EPHEMERA_WORKER_ROLES=control.`,
    );
  }
}
