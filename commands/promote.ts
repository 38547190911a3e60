/**
 * `npm run promote`: makes the build of this checkout, or the one named, the current one of its worker deployment, so
 * that new and open VMs go on with it.
 */
import { readRouting, workerVersion, type Routing, type WorkerVersion } from '../worker/temporal/worker-deployment.ts';
import { bundleWorkflows } from '../worker/temporal/workflow-bundle.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { settingsOfArguments, takeOwnFlags, wholeNumber } from './terminal/own-flags.ts';
import { connectToTemporal, type TemporalInReach } from './temporal/temporal-in-reach.ts';
import { ScriptError, coloured, runScript, say, warn } from './terminal/terminal.ts';

const IDENTITY = 'npm run promote';

const HELP: Help = {
  command: 'npm run promote',
  about:
    'Makes the build of this checkout, or the one named, current in its worker deployment: VMs go on with it (docs/upgrading.md).',
  usage: ['--worker-deployment NAME [--worker-build-id ID] [--ramp PERCENT | --unversioned] [settings]'],
  flags: [
    ['--worker-deployment NAME', 'the Temporal worker deployment (default: EPHEMERA_WORKER_DEPLOYMENT)'],
    ['--worker-build-id ID', 'the build (default: that of this checkout)'],
    ['--ramp PERCENT', 'sends only that share of the VMs to the build (default: all of them)'],
    ['--unversioned', 'makes workers without a deployment current again (default: the build)'],
  ],
  examples: [
    ['npm run promote -- --worker-deployment games --ramp 10', 'a tenth of the VMs first'],
    ['npm run promote -- --worker-deployment games', 'then all of them'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const flags = takeOwnFlags(process.argv.slice(2), { switches: ['unversioned'], values: ['ramp'] });
  const ramp = wholeNumber(flags, 'ramp');
  const unversioned = flags.switches.has('unversioned');
  if (unversioned && ramp !== undefined) throw new ScriptError('--ramp and --unversioned: give one of them');
  if (ramp !== undefined && ramp > 99) throw new ScriptError('--ramp: is for 1 to 99 percent; leave it out for all');
  const settings = settingsOfArguments(flags.rest, HELP);
  const version = await workerVersion(settings, () => bundleWorkflows({ debug: () => undefined, warn }));
  if (version === null)
    throw new ScriptError(`which deployment? EPHEMERA_WORKER_DEPLOYMENT is not set\n${usageLines(HELP)}`);
  const temporal = await connectToTemporal(settings);
  try {
    await promote(temporal, settings.temporal.namespace, { version, ramp, unversioned });
  } finally {
    await temporal.close();
  }
}

async function promote(
  { client: { connection }, address }: TemporalInReach,
  namespace: string,
  wish: { version: WorkerVersion; ramp: number | undefined; unversioned: boolean },
): Promise<void> {
  const { deploymentName, buildId } = wish.version;
  const routing = await readRouting(connection, namespace, deploymentName);
  assertKnown(wish.version, routing, `namespace ${namespace} at ${address}`, wish.unversioned);
  const request = { namespace, deploymentName, identity: IDENTITY };
  if (wish.ramp !== undefined) {
    await connection.workflowService.setWorkerDeploymentRampingVersion({ ...request, buildId, percentage: wish.ramp });
  } else {
    await connection.workflowService.setWorkerDeploymentCurrentVersion({
      ...request,
      buildId: wish.unversioned ? '' : buildId,
    });
  }
  const now = await readRouting(connection, namespace, deploymentName);
  const share = now?.ramping ? `; ${now.ramping.percentage} % go to ${now.ramping.buildId}` : '';
  say(
    `${coloured('✓', 'green')} deployment ${deploymentName}: ${now?.currentBuildId ?? 'no version'} is current${share}`,
  );
  say('  open VMs move with their next task; workers of the build before may be stopped when theirs have');
}

/** Temporal would route VMs to a build that no worker has, and they would wait for it. */
function assertKnown(
  { deploymentName, buildId }: WorkerVersion,
  routing: Routing | undefined,
  where: string,
  unversioned: boolean,
): void {
  if (routing === undefined) {
    throw new ScriptError(
      `no worker of deployment ${deploymentName} ever ran in ${where}: start one with ` +
        `EPHEMERA_WORKER_DEPLOYMENT=${deploymentName} first`,
    );
  }
  if (unversioned || routing.buildIds.includes(buildId)) return;
  throw new ScriptError(
    `no worker of build ${buildId} ever ran in deployment ${deploymentName}: start one first, or name another build ` +
      `with --worker-build-id; known: ${routing.buildIds.join(', ')}`,
  );
}
