/** The host role: one provider's machines on this computer, their links, and the worker that runs their activities. */
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createMachineActivities } from '../activities/machine-activities.ts';
import { createSweepActivities } from '../activities/sweep-machines.ts';
import { AgentTokens } from '../config/agent-tokens.ts';
import type { Settings } from '../config/settings.ts';
import type { MachineProvider } from '../domain/machine-provider.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { machineTaskQueue, vmWorkflowId } from '../domain/wire-names.ts';
import { createLocalProvider } from '../providers/local/local-provider.ts';
import { AgentLinks } from './agent-links.ts';
import { temporalVmLedger } from './temporal-vm-ledger.ts';
import { temporalVmSignals, type VmSignals } from './vm-signals.ts';

const MAX_ACTIVITIES = 1000;

export interface MachineHost {
  provider: MachineProvider;
  links: AgentLinks;
  signals: VmSignals;
  client: Client;
}

/** What a provider of the settings needs besides them. */
export interface ProviderParts {
  settings: Settings;
  /** The built machine program. */
  vmServerFile: string;
}

/** Makes a provider by its name. Throws for one that this version does not have. */
export function createProvider(name: string, { settings, vmServerFile }: ProviderParts): MachineProvider {
  const { stateDir, deployment, hostId, local } = settings;
  if (name === 'local') {
    return createLocalProvider({ stateDir, deployment, hostId, vmServerFile, agentTransport: local.agentTransport });
  }
  throw new Error(`no provider ${name} here; set EPHEMERA_PROVIDER to local`);
}

export function createMachineHost(provider: MachineProvider, client: Client, log: Logger): MachineHost {
  const signals = temporalVmSignals(client);
  const links = new AgentLinks({ provider, signals, log });
  return { provider, links, signals, client };
}

export interface HostWorkerInput {
  host: MachineHost;
  settings: Settings;
  secret: Uint8Array;
  connection: NativeConnection;
  /** Options that every worker of this process shares. */
  shared: Pick<WorkerOptions, 'namespace' | 'shutdownGraceTime' | 'shutdownForceTime' | 'dataConverter'>;
}

/** The worker that runs the activities of this host's machines. It does not poll yet. */
export function createHostWorker({ host, settings, secret, connection, shared }: HostWorkerInput): Promise<Worker> {
  const { provider, links } = host;
  const tokens = new AgentTokens(secret, settings.deployment);
  const usesHttp = provider.name === 'local' && settings.local.agentTransport === 'http';
  const { controlTaskQueue } = settings.temporal;
  const machineActivities = createMachineActivities({
    provider,
    links,
    issueBootstrap: usesHttp
      ? (subject) => ({ apiUrl: settings.api.url, secret: tokens.issue('bootstrap', subject, Date.now()) })
      : null,
  });
  const sweepActivities = createSweepActivities({
    provider,
    links,
    ledger: temporalVmLedger({
      client: host.client,
      signals: host.signals,
      provider: provider.name,
      host: settings.hostId,
      controlTaskQueue,
    }),
    workflowIdOf: ({ project, vm }) => vmWorkflowId(project, vm),
    now: Date.now,
  });
  return Worker.create({
    ...shared,
    connection,
    taskQueue: machineTaskQueue(provider.name, controlTaskQueue),
    activities: { ...machineActivities, ...sweepActivities },
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    // A cancellation reaches an activity with the answer to a heartbeat, so they may not be held back longer.
    maxHeartbeatThrottleInterval: TIMEOUTS.activityHeartbeatIntervalSeconds * 1000,
  });
}
