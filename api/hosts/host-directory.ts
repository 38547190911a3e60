import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { consoleEndpoints } from '../../config/queue-facts.ts';
import { hostOfMemo, registeredHosts, type RegisteredHost } from '../../config/registered-hosts.ts';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { runningLease } from '../../config/temporal/temporal-lease.ts';
import { NO_ROOM } from '../../domain/capacity/room.ts';
import type { LeaseStatus } from '../../domain/host/state.ts';
import type { HostView } from '../../domain/host/view.ts';
import { imageCopiesIn, type ImageCopy } from '../../domain/machine/image-copies.ts';
import type { ConsoleEndpoint } from '../../domain/host/console-endpoint.ts';
import {
  hostWorkflowId,
  machineTaskQueue,
  maintenanceTaskQueueOf,
  SEARCH_ATTRIBUTE,
  WORKFLOW_TYPE,
} from '../../domain/wire-names.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import {
  cordonHostSignal,
  drainHostSignal,
  hostViewQuery,
  removeHostSignal,
  uncordonHostSignal,
} from '../../workflows/messages.ts';
import type { ApiHost } from '../schemas/host.ts';

const CALL_SECONDS = 5;
/** A query needs a worker; the memo is a good answer too. */
const QUERY_SECONDS = 2;
const DESCRIBES_AT_ONCE = 10;
/** One list answers everybody who asks a replica within this time. */
const LIST_SHARED_MS = 1000;
const FOLLOW_MS = 5000;

/** A host with what only its peers need to know. */
export interface KnownHost {
  host: ApiHost;
  /** `host:port` of its internal endpoint, and by what that proves itself; null where it has none. */
  address: string | null;
  fingerprint: string | null;
  /** Providers whose machines take no room there. */
  roomless: readonly string[];
  /** Machine images that it has, as it said last. */
  copies: readonly ImageCopy[];
}

export type HostAction = 'cordon' | 'uncordon' | 'drain' | 'remove';

const SIGNAL_OF = {
  cordon: cordonHostSignal,
  uncordon: uncordonHostSignal,
  drain: drainHostSignal,
  remove: removeHostSignal,
} as const;

/** Finds hosts in Temporal and talks to their workflows, every call with a deadline. */
export class HostDirectory {
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  /** Between two leases nobody says what a host has: then what was said last counts. */
  readonly #heard = new Map<string, LeaseStatus>();
  readonly #listed = new SharedRead(() => this.#listNow());
  #latest: readonly KnownHost[] = [];

  constructor(client: Client, controlTaskQueue: string) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
  }

  /** The hosts of this deployment by id, at most a second old. */
  async list(): Promise<ApiHost[]> {
    return (await this.known()).map(({ host }) => host);
  }

  /** As {@link list}, with what only others of this deployment need to know. */
  known(): Promise<KnownHost[]> {
    return this.#listed.get(LIST_SHARED_MS);
  }

  /** As they were listed last: costs no call, and is a few seconds old while they are followed. */
  get latest(): readonly KnownHost[] {
    return this.#latest;
  }

  /** Ids of those that take no creates, as {@link latest}. */
  get closed(): string[] {
    return this.#latest.filter(({ host }) => host.state !== 'ready').map(({ host }) => host.id);
  }

  /** Lists them now and then, until the returned function is called. */
  follow(): () => void {
    const timer = setInterval(() => void this.known().catch(() => undefined), FOLLOW_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** A host of the registry, or undefined. Works without any worker. */
  async find(hostId: string): Promise<KnownHost | undefined> {
    try {
      const { status, memo, raw } = await this.#within(() => this.#handle(hostId).describe());
      const host = hostOfMemo(memo);
      if (status.name !== 'RUNNING' || host?.hostId !== hostId) {
        this.#heard.delete(hostId);
        return undefined;
      }
      return this.#known(host, runningLease(raw));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  /** Where consoles of a cloud's machines are read, of which no host is known: from any worker that serves them. */
  async cloudConsoles(provider: string): Promise<ConsoleEndpoint[]> {
    const queue = maintenanceTaskQueueOf(machineTaskQueue(provider, this.#controlTaskQueue));
    return this.#within(() => consoleEndpoints(this.#client, queue), QUERY_SECONDS);
  }

  /** What the workflow of the host says now, or undefined while no worker answers. */
  async fresh(hostId: string): Promise<KnownHost | undefined> {
    const handle = this.#handle(hostId);
    try {
      const view = await this.#within(() => handle.query(hostViewQuery), QUERY_SECONDS);
      const { raw } = await this.#within(() => handle.describe());
      return this.#known(view, runningLease(raw));
    } catch {
      return undefined;
    }
  }

  /** Kept by Temporal when it resolves. False: the host is in the registry no more. */
  async signal(hostId: string, action: HostAction): Promise<boolean> {
    this.#listed.forget();
    try {
      await this.#within(() => this.#handle(hostId).signal(SIGNAL_OF[action]));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** Whether the host has left the registry by now, or does so within a moment. */
  async hasLeft(hostId: string): Promise<boolean> {
    return this.#within(() => this.#handle(hostId).result()).then(
      () => true,
      () => false,
    );
  }

  /** Open VMs whose machine is on the host. */
  async vmsOn(hostId: string): Promise<number> {
    const onHost = `${SEARCH_ATTRIBUTE.host.name} = '${hostId}'`;
    const query = runningWorkflows(WORKFLOW_TYPE.vm, this.#controlTaskQueue, onHost);
    const { count } = await this.#within(() => this.#client.workflow.count(query));
    return count;
  }

  async #listNow(): Promise<KnownHost[]> {
    const listed = await this.#within(() => registeredHosts(this.#client, this.#controlTaskQueue));
    const hostIds = listed.map(({ hostId }) => hostId);
    const hosts = new Map<string, KnownHost>();
    await inParallel(hostIds, DESCRIBES_AT_ONCE, async (hostId) => {
      const found = await this.find(hostId);
      if (found !== undefined) hosts.set(hostId, found);
    });
    this.#latest = hostIds.flatMap((hostId) => hosts.get(hostId) ?? []);
    return [...this.#latest];
  }

  #known(view: Parameters<typeof known>[0], lease: ReturnType<typeof runningLease>): KnownHost {
    if (lease !== undefined)
      this.#heard.set(view.hostId, { free: lease.free, machines: lease.machines, images: lease.images });
    const isHere = view.state !== 'away' && view.state !== 'lost';
    const heard = isHere ? this.#heard.get(view.hostId) : undefined;
    return known({ ...view, lastStatus: heard ?? view.lastStatus }, lease);
  }

  #handle(hostId: string) {
    return this.#client.workflow.getHandle(hostWorkflowId(hostId, this.#controlTaskQueue));
  }

  #within<Result>(call: () => Promise<Result>, seconds: number = CALL_SECONDS): Promise<Result> {
    return this.#client.withDeadline(Date.now() + seconds * 1000, call);
  }
}

function known(view: Omit<RegisteredHost, 'removed'> | HostView, lease: ReturnType<typeof runningLease>): KnownHost {
  const { hostId: id, state, zone, labels, providers: provider, capacity, version, since, lostAt } = view;
  const isHere = state !== 'away' && state !== 'lost';
  const running = isHere ? lease : undefined;
  const { free, machines } = running ?? view.lastStatus ?? { free: isHere ? capacity : NO_ROOM, machines: 0 };
  const lastSeenAt = running === undefined ? since : new Date(running.seenAt).toISOString();
  return {
    host: {
      ...{
        id,
        ...(zone === null ? {} : { zone }),
        labels,
        state,
        provider,
        capacity,
        free,
        machines,
        version,
        lastSeenAt,
      },
      ...(lostAt === null ? {} : { lostAt }),
    },
    address: view.address,
    fingerprint: view.fingerprint,
    roomless: view.roomless ?? [],
    copies: imageCopiesIn((running ?? view.lastStatus)?.images),
  };
}
