/** The composition root: connects, checks the namespace, and runs the roles that the settings name. */
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import type { Logger } from 'pino';
import { createImageActivities } from '../activities/control/image-activities.ts';
import { createRegistryActivities } from '../activities/control/registry-activities.ts';
import { registeredHosts } from '../config/registered-hosts.ts';
import { createPoolActivities } from '../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../activities/control/template-activities.ts';
import type { Settings } from '../config/settings.ts';
import { closableConnection } from '../config/temporal/temporal-calls.ts';
import type { TemporalConnectionOptions } from '../config/temporal/temporal-connection.ts';
import type { RegistryActivities } from '../domain/host/activities.ts';
import type { ImageKeepingActivities, ImageSweepActivities, ImageUseActivities } from '../domain/image/activities.ts';
import type { MachineActivities } from '../domain/machine/activities.ts';
import type { PoolActivities } from '../domain/pool/activities.ts';
import type { TemplateActivities } from '../domain/template/activities.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { descriptorOf } from '../providers/lookup.ts';
import { acceptedBearer, peerBearer } from '../security/hosts/host-bearer.ts';
import type { HostKeys } from '../security/hosts/host-keys.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { activityLogInterceptors } from './activity-log.ts';
import { createHostRoom, takesRoom } from './host/host-capacity.ts';
import { createHostMetrics, type HostMetrics } from './metrics/host-metrics.ts';
import { LeaseFile } from './host/fence/lease-file.ts';
import { ensureFence } from './host/fence/start-fence.ts';
import { stopMachines } from './host/fence/stop-machines.ts';
import { peerImages } from './host/images/peer-images.ts';
import { reachedAt } from './host/internal-address.ts';
import { internalIdentity } from './host/internal-identity.ts';
import { relayStream } from '../streams/stream-relay.ts';
import { startInternalServer } from './host/internal-server.ts';
import {
  createCallBudget,
  createHostWorkers,
  createMachineHost,
  createProvider,
  pacedForWorker,
  type ActivitySlots,
  type MachineHost,
} from './host/machine-host.ts';
import { registerHost, type InternalAddress, type RegisteredHost } from './host/registered-host.ts';
import { measuredProvider } from './metrics/measured-provider.ts';
import { ensureSweepSchedules } from './temporal/sweep-schedule.ts';
import { temporalHostLedger } from './temporal/temporal-host-ledger.ts';
import { temporalImageMessages } from './temporal/temporal-image-messages.ts';
import { temporalTemplates } from './temporal/temporal-templates.ts';
import { prepareNamespace } from './temporal/temporal-setup.ts';
import { deploymentOptions, watchRouting, workerVersion } from './temporal/worker-deployment.ts';
import { bundleWorkflows } from './temporal/workflow-bundle.ts';

/** Running tasks may finish for this long, then they are cancelled, and at last left behind. */
const SHUTDOWN = { shutdownGraceTime: 500, shutdownForceTime: 2500 } as const;
const LINKS_STOP_MS = 1000;
/** The API waits no longer for a console. */
const CONSOLE_READ_MS = 10_000;

export interface StartWorkerOptions {
  settings: Settings;
  connection: TemporalConnectionOptions;
  keys: HostKeys;
  /** The built machine program, `dist/vm-server.cjs`. */
  vmServerFile: string;
  log: Logger;
  /** Workflows bundled before; else they are bundled here, which takes some seconds. */
  workflowBundle?: { code: string };
  dataConverter?: DataConverter;
  /** Of this process; kept across tries to start. */
  metrics?: HostMetrics;
  /** Put around the activities of machines: tests let things go wrong in them. */
  aroundActivities?: (activities: MachineActivities) => MachineActivities;
  /** Of the host role, for each of its providers. */
  activitySlots?: ActivitySlots;
}

export type WorkerEnd = 'asked' | 'removed';

export interface RunningWorker {
  /** One for each provider, when this process has the host role. */
  hosts: MachineHost[];
  /** Null without the host role. */
  internalPort: number | null;
  /** Resolves after a shutdown, or when this host was removed; rejects when a worker broke. */
  done: Promise<WorkerEnd>;
  /** Polls no more, lets what runs finish or cancels it, closes links and connections. Machines live on. */
  shutdown: () => Promise<void>;
}

/** Resolves when the worker polls. Errors: `TemporalSetupError`, connection errors, a taken port. */
export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => options.log.debug({ err: error }, 'something did not close'));
    }
  };
  try {
    return await start(options, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function start(
  options: StartWorkerOptions,
  closers: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<RunningWorker> {
  const { settings, log } = options;
  const { namespace, controlTaskQueue } = settings.temporal;
  const { connection, close } = closableConnection(options.connection);
  closers.push(close);
  await connection.ensureConnected();
  await prepareNamespace(connection, namespace, log);
  const converter = options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter };
  const client = new Client({ connection, namespace, ...converter });
  const shared = { namespace, ...SHUTDOWN, ...converter, interceptors: { activity: [activityLogInterceptors] } };
  const metrics = options.metrics ?? createHostMetrics(new MetricRegistry(), settings.providers);
  const leaseFile = await openLeaseFile(options);
  const isHost = settings.worker.roles.includes('host');
  const hosts = isHost ? await createHosts(options, client, metrics, leaseFile) : [];
  metrics.watch(hosts);
  // Before this host may have to wait for what only control workers do.
  const isControl = settings.worker.roles.includes('control');
  const parts = isControl ? [await startControl(options, { client, connection, shared, closers })] : [];
  const registered = await registerOwnHost(hosts, leaseFile, { options, client, closers });
  const internal = hosts.length === 0 ? null : await startInternal(options, hosts, closers);
  const internalPort = internal?.port ?? null;
  const workers: Worker[] = [];
  for (const host of hosts) {
    const { keys, aroundActivities, activitySlots } = options;
    const { observeSweep } = metrics;
    const connect = (): Promise<NativeConnection> => connectNative(options, closers);
    const input = {
      host,
      settings,
      keys,
      connect,
      shared,
      observeSweep,
      aroundActivities,
      ...gateOf(host, registered),
      ...(internal === null ? {} : { consoles: internal }),
    };
    workers.push(...(await createHostWorkers({ ...input, ...(activitySlots === undefined ? {} : { activitySlots }) })));
    closers.push(() => host.links.stop(LINKS_STOP_MS));
    void host.links.adoptAll();
  }
  if (registered !== null) {
    workers.push(await registered.createLeaseWorker({ ...shared, connection: await connectNative(options, closers) }));
  }
  parts.push(...workers.map(begin));
  const done = runAll(parts, registered).finally(closeAll);
  if (internal !== null) registered?.enter(internal);
  // Avoids an unhandled rejection: the caller may look at `done` later.
  done.catch(() => undefined);
  log.info({ roles: settings.worker.roles, namespace, controlTaskQueue, internalPort }, 'the worker polls');
  return {
    hosts,
    internalPort,
    done,
    shutdown: async () => {
      const left = registered?.leave();
      shutDown(parts);
      await Promise.all([done, left]);
    },
  };
}

interface ControlInput {
  client: Client;
  connection: Connection;
  /** Options that every worker of this process shares. */
  shared: Partial<WorkerOptions>;
  closers: (() => Promise<void>)[];
}

/** It polls when this resolves. */
async function startControl(
  options: StartWorkerOptions,
  { client, connection, shared, closers }: ControlInput,
): Promise<WorkerPart> {
  const { settings, log } = options;
  const { namespace, controlTaskQueue: taskQueue } = settings.temporal;
  const native = await connectNative(options, closers);
  const workflowBundle = options.workflowBundle ?? (await bundleWorkflows(log));
  const version = await workerVersion(settings, () => Promise.resolve(workflowBundle));
  const versioned = version === null ? {} : { workerDeploymentOptions: deploymentOptions(version) };
  const control = { ...shared, ...versioned, connection: native, taskQueue, workflowBundle };
  const part = begin(await Worker.create({ ...control, ...controlActivities(client, settings) }));
  closers.push(() => ended([part]));
  if (version !== null) watchUntilClosed({ connection, namespace, version, log }, closers);
  await ensureSweepSchedules(client, settings);
  return part;
}

function watchUntilClosed(watch: Parameters<typeof watchRouting>[0], closers: (() => Promise<void>)[]): void {
  const ended = new AbortController();
  // Its call, if one is under way, ends with the connection.
  void watchRouting(watch, ended.signal);
  closers.push(() => {
    ended.abort();
    return Promise.resolve();
  });
}

/** Two Workers on one connection would share its rate and its fate, so each has its own. */
async function connectNative(options: StartWorkerOptions, closers: (() => Promise<void>)[]): Promise<NativeConnection> {
  const native = await NativeConnection.connect(options.connection);
  closers.push(() => native.close());
  return native;
}

function controlActivities(
  client: Client,
  { temporal: { controlTaskQueue }, images }: Settings,
): {
  activities: RegistryActivities &
    TemplateActivities &
    PoolActivities &
    ImageKeepingActivities &
    ImageUseActivities &
    ImageSweepActivities;
  maxHeartbeatThrottleInterval: number;
} {
  return {
    activities: {
      ...createRegistryActivities({ ledger: temporalHostLedger(client, controlTaskQueue) }),
      ...createImageActivities(temporalImageMessages(client, controlTaskQueue), images),
      ...createTemplateActivities(temporalTemplates(client, controlTaskQueue)),
      ...createPoolActivities(() => registeredHosts(client, controlTaskQueue)),
    },
    // A drain that is taken back hears so with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: TIMEOUTS.activityHeartbeatIntervalSeconds * 1000,
  };
}

async function createHosts(
  { settings, keys, vmServerFile, log }: StartWorkerOptions,
  client: Client,
  { observerOf }: HostMetrics,
  leaseFile: LeaseFile | null,
): Promise<MachineHost[]> {
  const { controlTaskQueue } = settings.temporal;
  const imagePeers = peerImages({ client, hostId: settings.hostId, controlTaskQueue, keys });
  const offered = await Promise.all(
    settings.providers.map(async (name) => {
      const budget = createCallBudget(name, settings);
      const provider = await createProvider(name, { settings, vmServerFile, budget, imagePeers });
      return { budget, provider: measuredProvider(provider, observerOf(name)) };
    }),
  );
  const housed = offered.filter(({ provider }) => takesRoom(provider.name, settings));
  const counted = housed.map(({ provider, budget }) => pacedForWorker(provider, budget));
  const room = housed.length === 0 ? null : await createHostRoom(settings, counted, log);
  return offered.map((one) => {
    const { provider, budget } = one;
    const ownRoom = housed.includes(one) ? room : null;
    const ownLog = log.child({ provider: provider.name });
    return createMachineHost(provider, budget, client, ownRoom, ownLog, () => leaseFile?.isOver ?? false);
  });
}

async function startInternal(
  { settings, keys, log }: StartWorkerOptions,
  hosts: MachineHost[],
  closers: (() => Promise<void>)[],
): Promise<InternalAddress & { port: number }> {
  const { internalHost: host, internalPort } = settings.worker;
  const identity = await internalIdentity(settings.stateDir);
  const server = await startInternalServer({
    host,
    port: internalPort,
    identity,
    token: acceptedBearer(keys, identity.fingerprint),
    peerToken: peerBearer(keys, identity.fingerprint),
    copies: hosts.flatMap(({ provider }) => provider.copies ?? []),
    readConsole: async (machineId, maxBytes, owner) => {
      const call = { signal: AbortSignal.timeout(CONSOLE_READ_MS) };
      for (const { provider } of hosts) {
        const text = await provider.readConsole(machineId, { maxBytes, owner }, call);
        if (text !== undefined) return text;
      }
      return undefined;
    },
    takeStream: (machine, webSocket) => {
      relayStream(webSocket, {
        open: (request, listener) => {
          for (const { links } of hosts) {
            const stream = links.openStream(machine, request, listener);
            if (stream !== undefined) return stream;
          }
          return undefined;
        },
      });
    },
    log,
  });
  closers.push(server.close);
  return { port: server.port, address: reachedAt(host, server.port), fingerprint: identity.fingerprint };
}

/** Clouds know their machines wherever they are asked from; what runs on a host is known to that host alone. */
async function registerOwnHost(
  hosts: readonly MachineHost[],
  leaseFile: LeaseFile | null,
  { options, client, closers }: { options: StartWorkerOptions; client: Client; closers: (() => Promise<void>)[] },
): Promise<RegisteredHost | null> {
  if (leaseFile === null) return null;
  const { settings, log } = options;
  const registered = await registerHost({ hosts: hosts.filter(isBoundToHost), settings, client, leaseFile, log });
  closers.push(registered.leave);
  return registered;
}

/** Null where no machine is bound to this host. */
async function openLeaseFile({ settings, connection }: StartWorkerOptions): Promise<LeaseFile | null> {
  const { stateDir, providers, worker, host } = settings;
  const isBound = providers.some((name) => descriptorOf(name).placement === 'host');
  if (!worker.roles.includes('host') || !isBound) return null;
  const temporalPort = settings.temporal.isOwn ? Number(connection.address.split(':').at(-1)) : null;
  const leaseFile = await LeaseFile.open(stateDir, { lostSeconds: host.lostSeconds, temporalPort });
  // Whatever a fence may have missed: first of all, before any link reports.
  if (leaseFile.isOver && temporalPort === null) await stopMachines(stateDir);
  await ensureFence(stateDir);
  return leaseFile;
}

function isBoundToHost({ provider }: MachineHost): boolean {
  return descriptorOf(provider.name).placement === 'host';
}

function gateOf(host: MachineHost, registered: RegisteredHost | null): Pick<RegisteredHost, 'gate'> | undefined {
  return registered !== null && isBoundToHost(host) ? { gate: registered.gate } : undefined;
}

interface WorkerPart {
  worker: Worker;
  run: Promise<void>;
}

function begin(worker: Worker): WorkerPart {
  const run = worker.run();
  // Whoever waits for all of them hears of it.
  run.catch(() => undefined);
  return { worker, run };
}

/** Waits until each ended; when one breaks, or this host may not go on, the others end too. */
async function runAll(parts: readonly WorkerPart[], registered: RegisteredHost | null): Promise<WorkerEnd> {
  const asked = Promise.all(parts.map(({ run }) => run)).then((): WorkerEnd => 'asked');
  const removed = registered?.ended.then((): WorkerEnd => 'removed');
  try {
    return await Promise.race([asked, ...(removed === undefined ? [] : [removed])]);
  } finally {
    await ended(parts);
  }
}

async function ended(parts: readonly WorkerPart[]): Promise<void> {
  shutDown(parts);
  await Promise.allSettled(parts.map(({ run }) => run));
}

function shutDown(parts: readonly WorkerPart[]): void {
  for (const { worker } of parts) if (worker.getState() === 'RUNNING') worker.shutdown();
}
