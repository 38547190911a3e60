/** The composition root: connects, checks the namespace, and runs the roles that the settings name. */
import { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import { closableConnection } from '../config/temporal-calls.ts';
import type { TemporalConnectionOptions } from '../config/temporal-connection.ts';
import type { MachineActivities } from '../domain/activities.ts';
import { PROVIDER_CAPABILITIES } from '../domain/provider-capabilities.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { activityLogInterceptors } from './activity-log.ts';
import { claimProvider, type HeldClaim } from './host-claim.ts';
import { createHostRoom, takesRoom } from './host-capacity.ts';
import { createHostMetrics, type HostMetrics } from './host-metrics.ts';
import { startInternalServer, internalToken } from './internal-server.ts';
import {
  createCallBudget,
  createHostWorkers,
  createMachineHost,
  createProvider,
  pacedForWorker,
  type ActivitySlots,
  type MachineHost,
} from './machine-host.ts';
import { measuredProvider } from './measured-provider.ts';
import { ensureSweepSchedule } from './sweep-schedule.ts';
import { prepareNamespace } from './temporal-setup.ts';
import { deploymentOptions, watchRouting, workerVersion } from './worker-deployment.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

/** Running tasks may finish for this long, then they are cancelled, and at last left behind. */
const SHUTDOWN = { shutdownGraceTime: 500, shutdownForceTime: 2500 } as const;
const LINKS_STOP_MS = 1000;

export interface StartWorkerOptions {
  settings: Settings;
  connection: TemporalConnectionOptions;
  /** The deployment's secret; token and endpoint keys derive from it. */
  secret: Uint8Array;
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

export interface RunningWorker {
  /** One for each provider, when this process has the host role. */
  hosts: MachineHost[];
  /** Null without the host role. */
  internalPort: number | null;
  /** Resolves after a shutdown; rejects when a worker broke. */
  done: Promise<void>;
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
  const hosts = settings.worker.roles.includes('host') ? await createHosts(options, client, metrics) : [];
  metrics.watch(hosts);
  const claims = await claimProviders(hosts, options, closers);
  const internalPort = hosts.length === 0 ? null : await startInternal(options, hosts, closers);
  const workers: Worker[] = [];
  if (settings.worker.roles.includes('control')) {
    const native = await connectNative(options, closers);
    const version = workerVersion(settings);
    const versioned = version === null ? {} : { workerDeploymentOptions: deploymentOptions(version) };
    const control = { ...shared, ...versioned, connection: native, taskQueue: controlTaskQueue };
    workers.push(await createControlWorker(options, control));
    if (version !== null) watchUntilClosed({ connection, namespace, version, log }, closers);
    await ensureSweepSchedule(client, settings);
  }
  for (const host of hosts) {
    const { secret, aroundActivities, activitySlots } = options;
    const { observeSweep } = metrics;
    const connect = (): Promise<NativeConnection> => connectNative(options, closers);
    const input = { host, settings, secret, connect, shared, observeSweep, aroundActivities };
    workers.push(...(await createHostWorkers({ ...input, ...(activitySlots === undefined ? {} : { activitySlots }) })));
    closers.push(() => host.links.stop(LINKS_STOP_MS));
    void host.links.adoptAll();
  }
  const done = runAll(workers, claims).finally(closeAll);
  // Whoever starts a worker looks at `done` when it likes.
  done.catch(() => undefined);
  log.info({ roles: settings.worker.roles, namespace, controlTaskQueue, internalPort }, 'the worker polls');
  return {
    hosts,
    internalPort,
    done,
    shutdown: async () => {
      shutDown(workers);
      await done;
    },
  };
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

async function createControlWorker(
  { workflowBundle, log }: StartWorkerOptions,
  options: WorkerOptions,
): Promise<Worker> {
  const bundle = workflowBundle ?? (await bundleWorkflows(log));
  return Worker.create({ ...options, workflowBundle: bundle });
}

async function createHosts(
  { settings, vmServerFile, log }: StartWorkerOptions,
  client: Client,
  { observerOf }: HostMetrics,
): Promise<MachineHost[]> {
  const offered = await Promise.all(
    settings.providers.map(async (name) => {
      const budget = createCallBudget(name, settings);
      const provider = await createProvider(name, { settings, vmServerFile, budget });
      return { budget, provider: measuredProvider(provider, observerOf(name)) };
    }),
  );
  const housed = offered.filter(({ provider }) => takesRoom(provider.name, settings));
  const counted = housed.map(({ provider, budget }) => pacedForWorker(provider, budget));
  const room = housed.length === 0 ? null : await createHostRoom(settings, counted, log);
  return offered.map((one) => {
    const { provider, budget } = one;
    const ownRoom = housed.includes(one) ? room : null;
    return createMachineHost(provider, budget, client, ownRoom, log.child({ provider: provider.name }));
  });
}

async function startInternal(
  { settings, secret, log }: StartWorkerOptions,
  hosts: MachineHost[],
  closers: (() => Promise<void>)[],
): Promise<number> {
  const server = await startInternalServer({
    host: settings.worker.internalHost,
    port: settings.worker.internalPort,
    token: internalToken(secret),
    readConsole: async (machineId, maxBytes, owner) => {
      for (const { provider } of hosts) {
        const text = await provider.readConsole(machineId, maxBytes, owner);
        if (text !== undefined) return text;
      }
      return undefined;
    },
    log,
  });
  closers.push(server.close);
  return server.port;
}

/** Clouds know their machines wherever they are asked from; what runs on a host is known to that host alone. */
async function claimProviders(
  hosts: readonly MachineHost[],
  { settings, log }: StartWorkerOptions,
  closers: (() => Promise<void>)[],
): Promise<HeldClaim[]> {
  const { hostId, temporal } = settings;
  const bound = hosts.filter(({ provider }) => PROVIDER_CAPABILITIES[provider.name]?.zones !== true);
  return Promise.all(
    bound.map(async ({ provider, client }) => {
      const claim = await claimProvider({
        ...{ client, hostId, provider, controlTaskQueue: temporal.controlTaskQueue },
        log: log.child({ provider: provider.name }),
      });
      closers.push(() => {
        claim.stop();
        return Promise.resolve();
      });
      return claim;
    }),
  );
}

/** Runs all workers until each ended; when one breaks or another host has a provider of this one, the others end too. */
async function runAll(workers: Worker[], claims: readonly HeldClaim[]): Promise<void> {
  const runs = workers.map((worker) => worker.run());
  try {
    await Promise.race([Promise.all(runs), ...claims.map(({ lost }) => lost)]);
  } finally {
    shutDown(workers);
    await Promise.allSettled(runs);
  }
}

function shutDown(workers: Worker[]): void {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
}
