/** The real worker with a storm's faults around its activities: `tsx worker.ts`, set up as `worker/main.ts` is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { loadDeploymentSecret } from '../../security/sealing/deployment-secret.ts';
import { hostKeysForAllProviders } from '../../security/hosts/host-keys.ts';
import { settingsOfThisProcess } from '../../config/load-settings.ts';
import { temporalConnectionOptions } from '../../config/temporal/temporal-connection.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import { startWorker } from '../../worker/run-worker.ts';
import { StormFiles, stormyActivities } from './stormy-activities.ts';

const settings = settingsOfThisProcess();
const log = pino({ name: 'storm-worker', level: settings.logLevel });
const { STORM_DIR: directory, STORM_BUNDLE: bundle, STORM_LIE: lie } = process.env;
if (directory === undefined || bundle === undefined) throw new Error('run-storm.ts starts this, with its directory');
const files = new StormFiles(directory);

/** A worker that says it destroyed what it did not: what a storm must find. */
function lying(activities: MachineActivities): MachineActivities {
  return { ...activities, destroyMachine: () => Promise.resolve() };
}

const worker = await startWorker({
  settings,
  connection: temporalConnectionOptions(settings),
  keys: hostKeysForAllProviders(loadDeploymentSecret(settings)),
  vmServerFile: fileURLToPath(new URL('../../dist/vm-server.cjs', import.meta.url)),
  log,
  // Bundled once: this process is killed and started again many times.
  workflowBundle: { code: readFileSync(bundle, 'utf8') },
  aroundActivities: (activities) =>
    stormyActivities(lie === 'destroy' ? lying(activities) : activities, files, settings.hostId),
});
await worker.done;
