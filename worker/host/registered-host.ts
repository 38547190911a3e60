/**
 * This worker as a host of the registry: it has its host id to itself, settles what became of its machines, holds the lease,
 * and takes creates while that lets it.
 */
import type { Client } from '@temporalio/client';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { reconcileMachines, type SweepDependencies } from '../../activities/machine/sweep/sweep-machines.ts';
import type { Settings } from '../../config/settings.ts';
import type { HostFacts } from '../../domain/host/state.ts';
import { hostTaskQueue } from '../../domain/wire-names.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';
import { packageVersion } from '../../lib/processes/package-version.ts';
import { CreateGate } from './create-gate.ts';
import type { LeaseFile } from './fence/lease-file.ts';
import { ensureFence } from './fence/start-fence.ts';
import { refuseForeignAddresses } from './host-addresses.ts';
import { claimHost, HostConflictError, type HeldClaim } from './host-claim.ts';
import { hostCapacity } from './host-capacity.ts';
import { internalIdentity } from './internal-identity.ts';
import { HostLease } from './lease/host-lease.ts';
import { hostStatus } from './lease/host-status.ts';
import { sweepDependencies, type MachineHost } from './machine-host.ts';
import { untilOthersAreOver } from './moved-host.ts';
import { ONE_POLL } from './polls.ts';

export interface RegisteredHostOptions {
  /** Those whose machines are known to this host alone; at least one. */
  hosts: readonly MachineHost[];
  settings: Settings;
  client: Client;
  leaseFile: LeaseFile;
  log: Logger;
}

/** Heartbeats between two looks whether the fence still runs. */
const FENCE_LOOK_BEATS = 5;

/** How others reach this host's internal endpoint. */
export interface InternalAddress {
  /** `host:port` */
  address: string;
  /** Of its key. */
  fingerprint: string;
}

export interface RegisteredHost {
  gate: CreateGate;
  /** Rejects when another worker of this host id was there first; resolves when the host was removed. */
  ended: Promise<void>;
  /** The worker of the lease's queue. */
  createLeaseWorker: (shared: Omit<WorkerOptions, 'taskQueue'>) => Promise<Worker>;
  /** Enters the registry. The lease's queue is polled by now. */
  enter: (internal: InternalAddress) => void;
  leave: () => Promise<void>;
}

/**
 * Resolves when no other worker has this host id, and no machine of it can serve elsewhere. Rejects with a
 * {@link HostConflictError} when one does, or when machines here belong to a host of another id.
 */
export async function registerHost(options: RegisteredHostOptions): Promise<RegisteredHost> {
  const { hosts, settings, client, log } = options;
  const { hostId, temporal } = settings;
  const { controlTaskQueue } = temporal;
  await refuseAnotherName(options);
  await refuseForeignAddresses(settings, client);
  const claim = await claimHost({ client, hostId, controlTaskQueue, log });
  const othersAreOver = await moveWatch(options);
  await untilThisIdIsFree(othersAreOver, claim);
  claim.serve();
  const gate = new CreateGate();
  const capacity = await hostCapacity(settings);
  const facts: HostFacts = {
    ...{ version: packageVersion(), providers: hosts.map(({ provider }) => provider.name), capacity },
    ...{ zone: settings.host.zone, labels: { ...settings.host.labels }, lostSeconds: settings.host.lostSeconds },
    ...{ address: null, fingerprint: null },
    ...(settings.host.addresses.length === 0 ? {} : { addresses: [...settings.host.addresses] }),
    roomless: hosts.filter(({ room }) => room === null).map(({ provider }) => provider.name),
  };
  const lease = new HostLease({
    ...{ client, hostId, controlTaskQueue, facts, gate, log },
    status: hostStatus(
      hosts.map(({ provider }) => provider),
      capacity,
    ),
    reconcile: async (signal) => {
      // It may have moved while this host was cut off: what serves there is in no list here, and not lost.
      await othersAreOver(signal);
      await reconcile({ hosts, settings, log }, signal);
    },
    onAnnouncing: (at) => options.leaseFile.announce(at),
    onRenewed: renewal(options, gate),
  });
  return {
    gate,
    ended: Promise.race([claim.lost, lease.removed]),
    createLeaseWorker: (shared) =>
      Worker.create({
        ...shared,
        taskQueue: hostTaskQueue(hostId, controlTaskQueue),
        activities: lease.activities(),
        maxConcurrentActivityTaskExecutions: 2,
        ...ONE_POLL,
      }),
    enter: ({ address, fingerprint }) => {
      Object.assign(facts, { address, fingerprint });
      lease.start();
    },
    leave: async () => {
      const { leaseFile } = options;
      claim.stop();
      await lease.leave();
      await leaseFile.close();
    },
  };
}

type OthersAreOver = (signal: AbortSignal) => Promise<void>;

/** Under another name this host would not hold the lease of its machines: they would count as lost while they serve. */
async function refuseAnotherName({ hosts, settings: { hostId }, log }: RegisteredHostOptions): Promise<void> {
  for (const { provider } of hosts) {
    const machines = await provider.list({ signal: new AbortController().signal }).catch((error: unknown) => {
      log.warn({ err: error }, 'machines could not be listed, so nobody knows whether they have another host');
      return [];
    });
    const known = machines.find(({ host }) => host != null && host !== hostId)?.host;
    if (known == null) continue;
    throw new HostConflictError(
      `Machines in this state directory belong to host "${known}", and this is "${hostId}", the name of this computer or ` +
        `what EPHEMERA_HOST_ID says. Start it with EPHEMERA_HOST_ID=${known}, or with a state directory of its own ` +
        `(EPHEMERA_STATE_DIR).`,
    );
  }
}

/** What waits until no machine of this host id can serve elsewhere. */
async function moveWatch({ hosts, settings, client, log }: RegisteredHostOptions): Promise<OthersAreOver> {
  const { hostId, stateDir, temporal } = settings;
  // Of a server on this very computer: whatever knew it elsewhere has lost it for good.
  if (temporal.isOwn) return () => Promise.resolve();
  const { fingerprint } = await internalIdentity(stateDir);
  const about = { client, hostId, controlTaskQueue: temporal.controlTaskQueue, fingerprint, log };
  const vmsElsewhere = async (): Promise<number> => {
    const counts = hosts.map((host) => countElsewhere(sweepDependencies(host, settings)));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  };
  return (signal) => untilOthersAreOver({ ...about, vmsElsewhere }, signal);
}

/** Rejects with a HostConflictError when the earlier one turns out to serve. */
async function untilThisIdIsFree(othersAreOver: OthersAreOver, claim: HeldClaim): Promise<void> {
  const waits = new AbortController();
  try {
    await Promise.race([othersAreOver(waits.signal), claim.lost]);
  } catch (error) {
    claim.stop();
    throw error;
  } finally {
    waits.abort(new Error('nobody waits any more'));
  }
}

async function countElsewhere({ ledger, provider }: SweepDependencies): Promise<number> {
  const live = await ledger.liveVms();
  const here = new Set(
    (await provider.list({ signal: new AbortController().signal })).map(({ machineId }) => machineId),
  );
  return live.filter(({ machineId }) => !here.has(machineId)).length;
}

/** Tells the gate and the fence, and sees that there is one. */
function renewal({ leaseFile, settings, log }: RegisteredHostOptions, gate: CreateGate): (at: number) => void {
  let beats = 0;
  const note = async (at: number): Promise<void> => {
    await leaseFile.renew(at);
    if (beats++ % FENCE_LOOK_BEATS === 0) await ensureFence(settings.stateDir);
  };
  return (at) => {
    gate.renewed(at);
    note(at).catch((error: unknown) => log.warn({ err: error }, 'the fence does not hear of the lease'));
  };
}

/** Settles what happened to machines and to their VMs while this host was not there. Nothing is created before. */
async function reconcile(
  { hosts, settings, log }: Pick<RegisteredHostOptions, 'hosts' | 'settings' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      const about = { provider: host.provider.name };
      const warn = (message: string, { machineId, error }: { machineId: string; error: unknown }): void =>
        log.warn({ ...about, machineId, err: error }, message);
      const { owned, machines, lost } = await retryForever(
        () => reconcileMachines(sweepDependencies(host, settings), { signal, warn }),
        signal,
        (error) => log.warn({ ...about, err: error }, 'this host cannot tell yet what became of its machines'),
      );
      log.info({ ...about, owned, notOwned: machines, lost }, 'this host knows what became of its machines');
    }),
  );
}
