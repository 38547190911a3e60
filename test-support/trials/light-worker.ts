/**
 * A worker process as worker/run-worker.ts composes it, with light machines as its provider: control and host role,
 * adoption, sweeps, the call budget. Told what to do by the environment of the settings; says each second what it did.
 */
import { readdirSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { loadDeploymentSecret } from '../../security/sealing/deployment-secret.ts';
import { hostKeysForAllProviders } from '../../security/hosts/host-keys.ts';
import { settingsOfThisProcess } from '../../config/load-settings.ts';
import { createCallBudget, createHostWorkers, createMachineHost } from '../../worker/host/machine-host.ts';
import { bundleWorkflows } from '../../worker/temporal/workflow-bundle.ts';
import { ensureSweepSchedules } from '../../worker/temporal/sweep-schedule.ts';
import { LightFleet } from './light-fleet.ts';

/** What the process says to its parent. */
export interface LightWorkerNote {
  /** Epoch ms. */
  at: number;
  /** Calls of the provider, each with its time, since the last note. */
  providerCalls: number[];
  links: number;
  openFiles: number;
  adopted: boolean;
}

const NOTE_EVERY_MS = 500;

const settings = settingsOfThisProcess();
const { namespace, controlTaskQueue, address } = settings.temporal;
const log = pino({ level: 'warn' });
Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
const connection = await Connection.connect({ address: address ?? '' });
const client = new Client({ connection, namespace });
const provider = new LightFleet(`${settings.stateDir}/light`);
const budget = createCallBudget('local', settings);
const host = createMachineHost(provider, budget, client, null, log);
const native = async (): Promise<NativeConnection> => NativeConnection.connect({ address: address ?? '' });
const shared = { namespace };
const control = await Worker.create({
  ...shared,
  connection: await native(),
  taskQueue: controlTaskQueue,
  workflowBundle: await bundleWorkflows(log),
});
await ensureSweepSchedules(client, settings);
const hostWorkers = await createHostWorkers({
  host,
  settings,
  keys: hostKeysForAllProviders(loadDeploymentSecret(settings)),
  connect: native,
  shared,
  observeSweep: () => undefined,
  aroundActivities: undefined,
});
let adopted = false;
void host.links.adoptAll().then(() => {
  adopted = true;
});
setInterval(() => {
  const note: LightWorkerNote = {
    at: Date.now(),
    providerCalls: provider.callTimes.splice(0),
    links: host.links.counters.links,
    openFiles: readdirSync('/proc/self/fd').length,
    adopted,
  };
  process.send?.(note);
}, NOTE_EVERY_MS);
process.on('disconnect', () => process.exit(0));
await Promise.all([control.run(), ...hostWorkers.map((worker) => worker.run())]);
