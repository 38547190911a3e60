/** One API replica as a process: `tsx api/main.ts`. */
import { Client } from '@temporalio/client';
import { ensureFirstKey } from '../security/keys/first-key.ts';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { closableConnection } from '../config/temporal/temporal-calls.ts';
import { makeStateDirectoryPrivate, writeForOwnUserOnly } from '../security/state-directory.ts';
import { temporalConnectionOptions } from '../config/temporal/temporal-connection.ts';
import { createLog } from '../telemetry/log.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { startMetricsServer } from '../telemetry/metrics-server.ts';
import { startApi } from './server.ts';

/** Calls to Temporal that are under way at a stop get this long. */
const TEMPORAL_GRACE_MS = 1500;

writeForOwnUserOnly();
const settings = settingsOfThisProcess();
const log = createLog('api', settings);
const registry = new MetricRegistry();
registry.addProcessMetrics();
// Lazy: a replica that starts while Temporal is away answers /healthz and follows once Temporal is back.
const temporal = closableConnection(temporalConnectionOptions(settings));
const client = new Client({ connection: temporal.connection, namespace: settings.temporal.namespace });

try {
  if (makeStateDirectoryPrivate(settings.stateDir)) {
    log.warn({ stateDir: settings.stateDir }, 'other users could enter the state directory; now they cannot');
  }
  const { newKey, keyFile } = await ensureFirstKey(settings);
  if (newKey !== null) log.info({ keyFile }, 'made the first API key');
  const { host, token, apiPort: port, apiPortWasAsked: portWasAsked } = settings.metrics;
  const metrics = { registry, host, token, port, portWasAsked, portSetting: 'EPHEMERA_METRICS_PORT', log };
  const metricsServer = await startMetricsServer(metrics);
  const api = await startApi({ settings, client, log, registry }).catch(async (error: unknown) => {
    await metricsServer.close();
    throw error;
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'the API is stopping');
    // What Temporal has not answered by then is answered with 503.
    const giveUp = setTimeout(() => void temporal.close(), TEMPORAL_GRACE_MS);
    void api
      .close()
      .then(() => metricsServer.close())
      .then(() => temporal.close())
      .finally(() => {
        clearTimeout(giveUp);
        // The SDK's pauses between tries would hold the process for some more seconds.
        process.exit();
      });
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  log.fatal({ err: error }, 'the API could not start');
  process.exitCode = 1;
  await temporal.close();
}
