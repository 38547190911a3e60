/** The worker process: settings in, roles running, until a signal asks it to end. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { loadDeploymentSecret } from '../security/sealing/deployment-secret.ts';
import { hostKeysForAllProviders, hostKeysFromText, type HostKeys } from '../security/hosts/host-keys.ts';
import { readHostFile } from '../security/hosts/host-membership.ts';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { makeStateDirectoryPrivate, writeForOwnUserOnly } from '../security/state-directory.ts';
import { temporalConnectionOptions } from '../config/temporal/temporal-connection.ts';
import { createLog } from '../telemetry/log.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { startMetricsServer, type MetricsServer } from '../telemetry/metrics-server.ts';
import { createHostMetrics } from './metrics/host-metrics.ts';
import { installTemporalRuntime } from './logging.ts';
import { HostConflictError } from './host/host-claim.ts';
import { startWorker, type RunningWorker, type StartWorkerOptions } from './run-worker.ts';
import { SdkMetrics } from './metrics/sdk-metrics.ts';
import { WORKER_EXIT } from './worker-exit.ts';
import { TemporalSetupError } from './temporal/temporal-setup.ts';

const VM_SERVER_FILE = fileURLToPath(new URL('../dist/vm-server.cjs', import.meta.url));
const CONNECT_TIMEOUT_MS = 60_000;
const CONNECT_RETRY_MS = 1000;

writeForOwnUserOnly();
const settings = settingsOfThisProcess();
const log = createLog('worker', settings);

main().catch((error: unknown) => {
  log.fatal({ err: error }, error instanceof Error ? error.message : 'the worker failed');
  const code = error instanceof HostConflictError ? WORKER_EXIT.otherWorker : 1;
  process.exitCode = code;
  // Something may still hold the process; its supervisor starts it again.
  setTimeout(() => process.exit(code), 1000).unref();
});

async function main(): Promise<void> {
  if (makeStateDirectoryPrivate(settings.stateDir)) {
    log.warn({ stateDir: settings.stateDir }, 'other users could enter the state directory; now they cannot');
  }
  if (settings.worker.roles.includes('host') && !existsSync(VM_SERVER_FILE)) {
    throw new Error(`${VM_SERVER_FILE} is missing; build it with: npx tsx commands/start/build-vm-server.ts`);
  }
  const registry = new MetricRegistry();
  registry.addProcessMetrics();
  installTemporalRuntime(log, new SdkMetrics(registry, settings.providers).buffer);
  const metricsServer = await serveMetrics(registry);
  const asked = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => asked.abort());
  const worker = await startWithPatience(
    {
      settings,
      connection: temporalConnectionOptions(settings),
      keys: keysOfThisWorker(),
      vmServerFile: VM_SERVER_FILE,
      log,
      metrics: createHostMetrics(registry, settings.providers),
    },
    asked.signal,
    log,
  );
  if (worker === undefined) {
    await metricsServer.close();
    endNow('the worker ended before it polled');
    return;
  }
  asked.signal.addEventListener('abort', () => void worker.shutdown().catch(() => undefined), { once: true });
  if (asked.signal.aborted) await worker.shutdown();
  const end = await worker.done.finally(metricsServer.close);
  endNow('the worker ended', end === 'removed' ? WORKER_EXIT.removed : 0);
}

/** A host that has joined has its keys in its state directory; a worker beside the deployment's secret derives them. */
function keysOfThisWorker(): HostKeys {
  const joined = readHostFile(settings.stateDir)?.membership;
  return joined ? hostKeysFromText(joined.keys) : hostKeysForAllProviders(loadDeploymentSecret(settings));
}

/** The SDK's pauses between tries, or a start that is under way, would hold the process for some more seconds. */
function endNow(why: string, code = 0): void {
  log.info(why);
  process.exit(code);
}

function serveMetrics(registry: MetricRegistry): Promise<MetricsServer> {
  const { host, token, workerPort: port, workerPortWasAsked: portWasAsked } = settings.metrics;
  const portSetting = 'EPHEMERA_WORKER_METRICS_PORT';
  return startMetricsServer({ registry, host, token, port, portWasAsked, portSetting, log });
}

/** A server that is just being started gets a minute; a namespace that lacks something does not change by waiting. */
async function startWithPatience(
  options: StartWorkerOptions,
  asked: AbortSignal,
  logger: Logger,
): Promise<RunningWorker | undefined> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  const stopped = new Promise<undefined>((resolve) => {
    asked.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  while (!asked.aborted) {
    try {
      return await Promise.race([startWorker(options), stopped]);
    } catch (error) {
      if (error instanceof TemporalSetupError || !isUnavailable(error) || Date.now() > deadline) throw error;
      logger.warn({ address: options.connection.address, err: error }, 'Temporal does not answer yet');
    }
    await sleep(CONNECT_RETRY_MS, undefined, { signal: asked }).catch(() => undefined);
  }
  return undefined;
}

/** Connection troubles of client and worker: gRPC's unavailable and deadline exceeded, or a transport error. */
function isUnavailable(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return code === 14 || code === 4 || name === 'TransportError' || name === 'ServiceError';
}
