/** One API replica as a process: `tsx api/main.ts`. */
import { Client, Connection } from '@temporalio/client';
import { ensureFirstKey } from '../config/first-key.ts';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { temporalConnectionOptions } from '../config/temporal-connection.ts';
import { createLog } from '../telemetry/log.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { startMetricsServer } from '../telemetry/metrics-server.ts';
import { startApi } from './server.ts';

const settings = settingsOfThisProcess();
const log = createLog('api', settings);
const registry = new MetricRegistry();
registry.addProcessMetrics();
// Lazy: a replica that starts while Temporal is away answers /healthz and follows once Temporal is back.
const connection = Connection.lazy(temporalConnectionOptions(settings));
const client = new Client({ connection, namespace: settings.temporal.namespace });

try {
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
    void api
      .close()
      .then(() => metricsServer.close())
      .then(() => connection.close());
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  log.fatal({ err: error }, 'the API could not start');
  process.exitCode = 1;
  await connection.close();
}
