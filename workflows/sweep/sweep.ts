import { ActivityCancellationType, isCancellation, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RegistryActivities } from '../../domain/host/activities.ts';
import { SWEEP, type SweepActivities, type SweepInput, type SweepReport } from '../../domain/machine/sweep.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { hostMachineTaskQueue, machineTaskQueue, maintenanceTaskQueueOf } from '../../domain/wire-names.ts';

/**
 * One sweep of every provider. Started by a schedule, or by hand as a dry run. One report for each host or provider. A provider
 * that cannot be swept keeps no other from being swept to the end; who asks what a sweep would do is told of it by a failure.
 */
export async function runSweep({ dryRun, providers, onHosts = [] }: SweepInput): Promise<SweepReport[]> {
  const sweeps = providers.map((provider) =>
    onHosts.includes(provider) ? sweepHosts(provider, dryRun) : sweepProvider(provider, dryRun),
  );
  // Whoever fails first must not end the workflow, which would cut the others off.
  const ended = await Promise.allSettled(sweeps);
  const failed = ended.filter((sweep) => sweep.status === 'rejected');
  const cancelled = failed.find(({ reason }) => isCancellation(reason));
  if (cancelled !== undefined) throw cancelled.reason;
  if (failed[0] !== undefined && (dryRun || failed.length === providers.length)) throw failed[0].reason;
  if (failed.length > 0) log.warn('providers were not swept', { failed: failed.length, of: providers.length });
  return ended.flatMap((sweep) => (sweep.status === 'fulfilled' ? sweep.value : []));
}

async function sweepProvider(provider: string, dryRun: boolean): Promise<SweepReport[]> {
  const taskQueue = machineTaskQueue(provider, workflowInfo().taskQueue);
  return [await sweeper({ taskQueue, of: provider, dryRun }).sweepMachines({ dryRun })];
}

/** A host that is away holds up no other; when no host is known, whoever serves the provider is asked. */
async function sweepHosts(provider: string, dryRun: boolean): Promise<SweepReport[]> {
  const hosts = await hostsOf(provider);
  if (hosts.length === 0) return sweepProvider(provider, dryRun);
  const reports = hosts.map(async (host) => {
    const taskQueue = hostMachineTaskQueue(provider, host, workflowInfo().taskQueue);
    try {
      return [
        await sweeper({ taskQueue, of: `${provider} on ${host}`, dryRun, isOfHost: true }).sweepMachines({ dryRun }),
      ];
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('a host was not swept', { host, provider });
      return [];
    }
  });
  return (await Promise.all(reports)).flat();
}

async function hostsOf(provider: string): Promise<string[]> {
  const { listHosts } = proxyActivities<Pick<RegistryActivities, 'listHosts'>>({
    summary: `Hosts that have ${provider}`,
    startToCloseTimeout: SWEEP.hostAnswersSeconds * 1000,
    scheduleToCloseTimeout: 2 * SWEEP.hostAnswersSeconds * 1000,
  });
  try {
    return await listHosts({ provider });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return [];
  }
}

interface Sweeper {
  /** Base of a queue family. */
  taskQueue: string;
  of: string;
  dryRun: boolean;
  isOfHost?: boolean;
}

function sweeper({ taskQueue, of, dryRun, isOfHost = false }: Sweeper): SweepActivities {
  return proxyActivities<SweepActivities>({
    taskQueue: maintenanceTaskQueueOf(taskQueue),
    summary: `${dryRun ? 'Look for' : 'Remove'} machines of ${of} that nobody owns`,
    startToCloseTimeout: SWEEP.attemptSeconds * 1000,
    scheduleToCloseTimeout: SWEEP.totalSeconds * 1000,
    ...(isOfHost ? { scheduleToStartTimeout: SWEEP.hostAnswersSeconds * 1000 } : {}),
    heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { maximumAttempts: SWEEP.tries },
  });
}
