/** Keeps a second host away from a provider whose machines only one host knows; the rule is in domain/host-claim.ts. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Logger } from 'pino';
import { identify, isAlive } from '../config/process-identity.ts';
import { claimIdentity, parseClaim, yieldsTo, type HostClaim } from '../domain/host-claim.ts';
import type { MachineProvider } from '../domain/machine-provider.ts';
import { hostClaimTaskQueue, SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../domain/wire-names.ts';
import { retryForever } from './back-off.ts';

/** Temporal answers a poll a second or two before its deadline, so a host is seen again each second or two. */
const POLL_MS = 3000;
const PAUSE_MS = 250;
/** One that was not seen to poll for so long does not run. */
const WATCH_MS = 6000;
const ACTIVITY_QUEUE = proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY;
const HOST = defineSearchAttributeKey(SEARCH_ATTRIBUTE.host.name, SearchAttributeType.KEYWORD);
const MACHINE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.machine.name, SearchAttributeType.KEYWORD);

/** Another host has this provider; the message names it and says what to do. */
export class HostConflictError extends Error {
  override readonly name = 'HostConflictError';
}

export interface HostClaimOptions {
  client: Client;
  controlTaskQueue: string;
  hostId: string;
  provider: MachineProvider;
  log: Logger;
}

/** A provider that this host has to itself. */
export interface HeldClaim {
  /** Rejects with a {@link HostConflictError} when another host turns out to serve that was there first. */
  lost: Promise<never>;
  stop: () => void;
}

/**
 * Resolves when no other host serves the provider. Rejects with a {@link HostConflictError} when one does, or when open
 * VMs have machines on one. Temporal is asked until it answers.
 */
export async function claimProvider(options: HostClaimOptions): Promise<HeldClaim> {
  const claim = new ProviderClaim(options, await ownClaim(options.hostId));
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
  const computer = hostname();
  return {
    ...{ hostId, phase: 'starting', startedAt: Date.now(), computer, pid: process.pid },
    processStartedAt: self?.startedAt ?? '',
  };
}

class ProviderClaim implements HeldClaim {
  readonly lost: Promise<never>;
  private readonly options: HostClaimOptions;
  private readonly claim: HostClaim;
  private readonly stopped = new AbortController();
  private readonly taskQueue: string;
  private lose: (why: HostConflictError) => void = () => undefined;

  constructor(options: HostClaimOptions, claim: HostClaim) {
    this.options = options;
    this.claim = claim;
    this.taskQueue = hostClaimTaskQueue(options.provider.name, options.controlTaskQueue);
    this.lost = new Promise((_, reject) => {
      this.lose = reject;
    });
    this.lost.catch(() => undefined);
  }

  stop(): void {
    this.stopped.abort(new Error('the worker ends'));
  }

  /** Each host shows itself before it looks, so of two that start at once at least one sees the other. */
  async begin(): Promise<void> {
    await this.refuseVmsElsewhere();
    void this.show();
    const seen = await this.untilShown();
    const others = await this.mayLive([...seen.keys()]);
    if (others.length > 0) {
      this.options.log.info({ others }, 'another host was here lately; looking whether it still serves');
      await this.watch(seen, Date.now() + WATCH_MS);
    }
    this.claim.phase = 'serving';
    void this.keepWatching();
  }

  /** Polls as this host until it stops. No task is ever on the queue. */
  private async show(): Promise<void> {
    const { client } = this.options;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const request = {
        namespace: client.options.namespace,
        taskQueue: { name: this.taskQueue },
        identity: claimIdentity(this.claim),
      };
      const poll = (): Promise<unknown> => client.workflowService.pollActivityTaskQueue(request);
      // Temporal may be away; the next poll comes soon.
      await client.withDeadline(Date.now() + POLL_MS, poll).catch(() => undefined);
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async untilShown(): Promise<Map<string, number>> {
    for (;;) {
      const seen = await this.look();
      if (seen.has(claimIdentity(this.claim))) return seen;
      await this.pause();
    }
  }

  /** When each host polled last, by Temporal's clock. */
  private look(): Promise<Map<string, number>> {
    const { client, log } = this.options;
    const { namespace } = client.options;
    const ask = async (): Promise<Map<string, number>> => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: this.taskQueue },
        taskQueueType: ACTIVITY_QUEUE,
      });
      return new Map(
        pollers.map(({ identity, lastAccessTime }) => [
          identity ?? '',
          Number(lastAccessTime?.seconds ?? 0) * 1e9 + (lastAccessTime?.nanos ?? 0),
        ]),
      );
    };
    return retryForever(ask, this.stopped.signal, (error) =>
      log.warn({ err: error }, 'Temporal does not say yet whether another host serves'),
    );
  }

  /** Hosts other than this one, but for processes that this computer knows to have ended. */
  private async mayLive(identities: readonly string[]): Promise<string[]> {
    const { hostId, computer } = this.claim;
    const others = new Set<string>();
    for (const claim of identities.map(parseClaim)) {
      if (claim === undefined || claim.hostId === hostId) continue;
      const process = { pid: claim.pid, startedAt: claim.processStartedAt };
      if (claim.computer === computer && !(await isAlive(process))) continue;
      others.add(claim.hostId);
    }
    return [...others];
  }

  /** Throws when a host polls again to which this one yields. */
  private async watch(first: ReadonlyMap<string, number>, until: number): Promise<void> {
    let before = first;
    while (Date.now() < until) {
      await this.pause();
      const now = await this.look();
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
      await this.watch(await this.look(), Infinity);
    } catch (error) {
      if (error instanceof HostConflictError) this.lose(error);
    }
  }

  private async pause(): Promise<void> {
    const { signal } = this.stopped;
    const ms = this.claim.phase === 'starting' ? PAUSE_MS : WATCH_MS / 2;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }

  private conflictWith({ hostId, computer, pid }: HostClaim): HostConflictError {
    const { provider, controlTaskQueue } = this.options;
    return new HostConflictError(
      `Host "${hostId}" (process ${pid} on ${computer}) serves provider "${provider.name}" on the task queues of ` +
        `"${controlTaskQueue}" already, and only one host can: machines of "${provider.name}" are known to their own ` +
        `host alone. To move to this host ("${this.claim.hostId}"), destroy the VMs there and stop that worker first. To ` +
        `run both, give this one a deployment of its own: EPHEMERA_DEPLOYMENT and EPHEMERA_CONTROL_TASK_QUEUE. For a ` +
        `second control worker set EPHEMERA_WORKER_ROLES=control.`,
    );
  }

  /** A host that is away still has its machines; one that only changed its name knows them all. */
  private async refuseVmsElsewhere(): Promise<void> {
    const { client, hostId, provider, controlTaskQueue, log } = this.options;
    const query = [
      `WorkflowType = '${WORKFLOW_TYPE.vm}'`,
      "ExecutionStatus = 'Running'",
      `TaskQueue = '${controlTaskQueue}'`,
      `${SEARCH_ATTRIBUTE.provider.name} = '${provider.name}'`,
      `${SEARCH_ATTRIBUTE.host.name} != '${hostId}'`,
    ].join(' AND ');
    const find = async (): Promise<HostConflictError | undefined> => {
      for await (const { workflowId } of client.workflow.list({ query })) {
        // Visibility is late; the workflow itself is not.
        const { status, typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
        const host = typedSearchAttributes.get(HOST);
        const machineId = typedSearchAttributes.get(MACHINE);
        if (status.name !== 'RUNNING' || host === undefined || host === hostId || machineId === undefined) continue;
        if (!(await this.isUnknownHere(machineId))) continue;
        return new HostConflictError(
          `Host "${host}" has open VMs of provider "${provider.name}" (for example ${workflowId}) whose machines this host ` +
            `("${hostId}") does not know, and only one host can serve that provider. Start the worker on "${host}", and ` +
            `destroy its VMs there before this one starts. If that computer or its state directory is gone for good, ` +
            `start here with EPHEMERA_HOST_ID=${host}: those VMs then end as lost.`,
        );
      }
      return undefined;
    };
    const conflict = await retryForever(find, this.stopped.signal, (error) =>
      log.warn({ err: error }, 'Temporal does not say yet whether VMs are on another host'),
    );
    if (conflict !== undefined) throw conflict;
  }

  /** What cannot be read is somewhere here. */
  private async isUnknownHere(machineId: string): Promise<boolean> {
    const described = this.options.provider.describe(machineId, this.stopped.signal);
    return described.then(
      (machine) => machine === undefined,
      () => false,
    );
  }
}
