/**
 * Versions of the workflow code under a Temporal worker deployment (docs/upgrading.md). Open VMs move to the version that
 * is made current at their next task (AUTO_UPGRADE), so workflow code stays guarded as without versions.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Settings } from '../../config/settings.ts';
import { workflowBuildId } from './workflow-bundle.ts';

const NOT_FOUND = 5;
/** Temporal knows a version a moment after its first worker polled. */
const UNKNOWN_RETRY_MS = 1000;
const LOOK_INTERVAL_MS = 15_000;

export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** The version of bundled workflow code; null when the settings name no deployment. Bundles only where that is asked. */
export async function workerVersion(
  { worker }: Settings,
  bundled: () => Promise<{ code: string }>,
): Promise<WorkerVersion | null> {
  if (worker.deployment === null) return null;
  return { deploymentName: worker.deployment, buildId: worker.buildId ?? workflowBuildId(await bundled()) };
}

/** How a control worker takes part in its deployment. */
export function deploymentOptions(version: WorkerVersion): WorkerDeploymentOptions {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' };
}

/** Which build of a deployment gets new and open workflows; null: none, so versioned workers get nothing. */
export interface Routing {
  currentBuildId: string | null;
  ramping: { buildId: string; percentage: number } | null;
  /** Every build that a worker ever polled as. */
  buildIds: string[];
}

/** What Temporal does with a deployment, or undefined when no worker of it ever polled. */
export async function readRouting(
  connection: ConnectionLike,
  namespace: string,
  deploymentName: string,
): Promise<Routing | undefined> {
  try {
    const described = await connection.workflowService.describeWorkerDeployment({ namespace, deploymentName });
    const { routingConfig, versionSummaries } = described.workerDeploymentInfo ?? {};
    const ramping = routingConfig?.rampingDeploymentVersion?.buildId;
    return {
      currentBuildId: routingConfig?.currentDeploymentVersion?.buildId ?? null,
      ramping: ramping ? { buildId: ramping, percentage: routingConfig.rampingVersionPercentage ?? 0 } : null,
      buildIds: versionSummaries?.flatMap(({ deploymentVersion }) => deploymentVersion?.buildId ?? []) ?? [],
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_FOUND) return undefined;
    throw error;
  }
}

/**
 * Says whether this worker's build gets work, and says it again when that changes: a build that nobody made current
 * would else look like VMs that hang. Ends with the signal.
 */
export async function watchRouting(
  {
    connection,
    namespace,
    version,
    log,
  }: {
    connection: ConnectionLike;
    namespace: string;
    version: WorkerVersion;
    log: Logger;
  },
  ended: AbortSignal,
): Promise<void> {
  let said = '';
  while (!ended.aborted) {
    const routing = await readRouting(connection, namespace, version.deploymentName).catch(() => undefined);
    const isKnown = routing?.buildIds.includes(version.buildId) ?? false;
    if (routing !== undefined && isKnown) {
      const { level, text } = routingMessage(version, namespace, routing);
      if (text !== said || level === 'error') log[level](version, text);
      said = text;
    }
    await sleep(isKnown ? LOOK_INTERVAL_MS : UNKNOWN_RETRY_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

function routingMessage(
  { deploymentName, buildId }: WorkerVersion,
  namespace: string,
  { currentBuildId, ramping }: Routing,
): { level: 'info' | 'warn' | 'error'; text: string } {
  const commands =
    `npm run promote -- --worker-deployment ${deploymentName} --worker-build-id ${buildId}, or: temporal worker ` +
    `deployment set-current-version -n ${namespace} --deployment-name ${deploymentName} --build-id ${buildId}`;
  if (currentBuildId === buildId) return { level: 'info', text: 'this build is the current one and gets all VMs' };
  if (ramping?.buildId === buildId) {
    return { level: 'info', text: `this build gets ${ramping.percentage} % of the VMs` };
  }
  if (currentBuildId !== null) {
    return { level: 'warn', text: `this build gets no VMs: ${currentBuildId} is current. To change that: ${commands}` };
  }
  return {
    level: 'error',
    text: `no build of deployment ${deploymentName} is current, so this worker gets no VMs: they wait, and nothing moves, unless workers without a deployment run too. Run: ${commands}`,
  };
}
