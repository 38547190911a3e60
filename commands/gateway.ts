/** `npm run gateway`: browsers and programs reach VMs by name, and what is stopped wakes. */
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { startGateway } from '../gateway/gateway.ts';
import { createLog } from '../telemetry/log.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { startMetricsServer } from '../telemetry/metrics-server.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { ScriptError, runScript } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run gateway',
  about:
    'Serves ports of VMs by names such as 8080--lobby.vms.example.com, and wakes VMs that are stopped or closed (docs/gateway.md). ' +
    'It needs an API key of an operator, in EPHEMERA_GATEWAY_KEYS, and runs until Ctrl-C.',
  usage: ['[settings]'],
  examples: [
    [
      'EPHEMERA_GATEWAY_KEYS=default=eph_… npm run gateway',
      'beside npm start: http://8080--lobby.localhost:7480, with a link',
    ],
    ['EPHEMERA_GATEWAY_KEYS=… npm run gateway -- --gateway-access open', 'without links: whoever reaches it is let in'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const settings = settingsOfThisProcess();
  if (Object.keys(settings.gateway.keys).length === 0) {
    throw new ScriptError(
      'a gateway asks the API with a key of its own: set EPHEMERA_GATEWAY_KEYS=PROJECT=KEY, with a key of ' +
        '`npm run keys -- add --project PROJECT --role operator`',
    );
  }
  const log = createLog('gateway', settings);
  const registry = new MetricRegistry();
  registry.addProcessMetrics();
  const { host, token, gatewayPort: port, gatewayPortWasAsked: portWasAsked } = settings.metrics;
  const metrics = { registry, host, token, port, portWasAsked, portSetting: 'EPHEMERA_GATEWAY_METRICS_PORT', log };
  await startMetricsServer(metrics).catch((error: unknown) => {
    throw new ScriptError(error instanceof Error ? error.message : String(error));
  });
  const gateway = await startGateway(settings, log, registry).catch((error: unknown) => {
    throw new ScriptError(`the gateway could not start: ${error instanceof Error ? error.message : String(error)}`);
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'the gateway is stopping');
    void gateway.close().finally(() => process.exit());
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
