/** The host role: one provider's machines on this computer, their links, and the workers that run their activities. */
import { readFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createMachineActivities } from '../activities/machine-activities.ts';
import { pacedProvider } from '../activities/paced-provider.ts';
import { createSweepActivities } from '../activities/sweep-machines.ts';
import { AgentTokens, type AgentTokenSubject } from '../config/agent-tokens.ts';
import { GceBindings } from '../config/gce-agents.ts';
import { SealedInputs } from '../config/sealed-input.ts';
import type { Settings } from '../config/settings.ts';
import { StartSignatures } from '../config/start-signatures.ts';
import type { MachineActivities } from '../domain/activities.ts';
import { callRateOf } from '../domain/call-budget.ts';
import type { AgentBootstrap, MachineProvider } from '../domain/machine-provider.ts';
import { PROVIDER_CAPABILITIES } from '../domain/provider-capabilities.ts';
import type { SweepActivities } from '../domain/sweep.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import {
  machineBootTaskQueue,
  machineMaintenanceTaskQueue,
  machineTaskQueue,
  vmWorkflowId,
} from '../domain/wire-names.ts';
import { CallBudget } from '../providers/call-budget.ts';
import { createGcpProvider, type GcpProviderOptions } from '../providers/gcp/gcp-provider.ts';
import { instanceNameOf } from '../providers/gcp/instance-names.ts';
import { createLocalProvider } from '../providers/local/local-provider.ts';
import { apiAnswers } from './api-reach.ts';
import { createQemuProviderOfThisHost } from './qemu-host.ts';
import { AgentLinks } from './agent-links.ts';
import { measuredSweeps, type SweepObserver } from './measured-sweeps.ts';
import type { HostRoom } from './host-room.ts';
import { temporalVmLedger } from './temporal-vm-ledger.ts';
import { temporalVmSignals, type VmSignals } from './vm-signals.ts';

/** How many activities of each kind one worker runs at a time. */
export interface ActivitySlots {
  create: number;
  boot: number;
  maintenance: number;
}

/** A boot holds its slot for minutes and a create while it waits for room, so no kind may take those of another. */
const ACTIVITY_SLOTS: ActivitySlots = { create: 1000, boot: 1000, maintenance: 1000 };

export interface MachineHost {
  provider: MachineProvider;
  links: AgentLinks;
  signals: VmSignals;
  client: Client;
  /** The calls that this process makes to the provider, all of them. */
  budget: CallBudget;
  /** Null where its machines take no room of this host. */
  room: HostRoom | null;
}

/** What a provider of the settings needs besides them. */
export interface ProviderParts {
  settings: Settings;
  /** The built machine program. */
  vmServerFile: string;
  /** For a provider that takes its calls itself. */
  budget: CallBudget;
}

/** What this process may ask of a provider, with the limits that were set. */
export function createCallBudget(provider: string, { providerCalls }: Pick<Settings, 'providerCalls'>): CallBudget {
  const callsPerSecond = providerCalls.perSecond[provider];
  const burst = providerCalls.burst[provider];
  const rate = callRateOf(provider, {
    ...(callsPerSecond === undefined ? {} : { callsPerSecond }),
    ...(burst === undefined ? {} : { burst }),
  });
  return new CallBudget({ rate, providerTakesCalls: provider === 'gcp' });
}

/** The provider for what the worker does by itself: it waits as long as it takes, and never in front of a destroy. */
export function pacedForWorker(provider: MachineProvider, budget: CallBudget): MachineProvider {
  return pacedProvider(provider, budget, () => ({ purpose: 'ongoing', askedAt: Date.now(), patienceMs: Infinity }));
}

/** Makes a provider by its name. Throws for one that this version does not have. */
export async function createProvider(
  name: string,
  { settings, vmServerFile, budget }: ProviderParts,
): Promise<MachineProvider> {
  const { stateDir, deployment, hostId, local } = settings;
  if (name === 'local') {
    return createLocalProvider({ stateDir, deployment, hostId, vmServerFile, agentTransport: local.agentTransport });
  }
  if (name === 'qemu') return createQemuProviderOfThisHost(settings);
  if (name === 'gcp') return createGcpProvider({ deployment, budget, ...gcpOptions(settings) });
  throw new Error(`no provider ${name} here; set EPHEMERA_PROVIDER to local or qemu`);
}

/** The project of a server of one's own, where none was named. */
const OWN_SERVER_PROJECT = 'ephemera';

function gcpOptions({ gcp, api }: Settings): Omit<GcpProviderOptions, 'deployment' | 'budget'> {
  const { project, zones, endpoint, serviceAccount: machineServiceAccount, diskType, rules } = gcp;
  const vmServerUrl = gcp.vmServerUrl === 'none' ? null : (gcp.vmServerUrl ?? `${api.url}/v1/agent/vm-server.cjs`);
  return {
    project: project ?? OWN_SERVER_PROJECT,
    zones,
    endpoint,
    machineServiceAccount,
    vmServerUrl,
    diskType,
    rules,
  };
}

export function createMachineHost(
  provider: MachineProvider,
  budget: CallBudget,
  client: Client,
  room: HostRoom | null,
  log: Logger,
): MachineHost {
  const signals = temporalVmSignals(client);
  const links = new AgentLinks({ provider: pacedForWorker(provider, budget), signals, log });
  return { provider, links, signals, client, budget, room };
}

/** How agents of a provider that report over HTTP get what they begin with; null where the link is a channel. */
function bootstrapIssuer(
  provider: string,
  settings: Settings,
  secret: Uint8Array,
): ((subject: AgentTokenSubject) => AgentBootstrap) | null {
  const { deployment, api, local, gcp } = settings;
  if (provider === 'gcp' && gcp.serviceAccount !== null) {
    const bindings = new GceBindings(secret, deployment);
    return (subject) => {
      const instanceName = instanceNameOf(deployment, subject.machineId);
      return { ...reachOf(api), secret: bindings.issue({ ...subject, instanceName }, Date.now()) };
    };
  }
  if (provider !== 'gcp' && !(provider === 'local' && local.agentTransport === 'http')) return null;
  const tokens = new AgentTokens(secret, deployment);
  return (subject) => ({ ...reachOf(api), secret: tokens.issue('bootstrap', subject, Date.now()) });
}

/** Where machines reach the API, and by which certificate they know it. The file is read anew: it may be renewed. */
function reachOf({ url, caFile }: Settings['api']): Pick<AgentBootstrap, 'apiUrl' | 'apiCa'> {
  return caFile === null ? { apiUrl: url } : { apiUrl: url, apiCa: readFileSync(caFile, 'utf8') };
}

export interface HostWorkerInput {
  host: MachineHost;
  settings: Settings;
  secret: Uint8Array;
  /** Each worker gets a connection of its own. */
  connect: () => Promise<NativeConnection>;
  /** Options that every worker of this process shares. */
  shared: Pick<
    WorkerOptions,
    'namespace' | 'shutdownGraceTime' | 'shutdownForceTime' | 'dataConverter' | 'interceptors'
  >;
  observeSweep: SweepObserver;
  aroundActivities: ((activities: MachineActivities) => MachineActivities) | undefined;
  /** Other limits than the usual ones. */
  activitySlots?: ActivitySlots;
}

/** The workers that run the activities of this host's machines, one for each queue. They do not poll yet. */
export async function createHostWorkers(input: HostWorkerInput): Promise<Worker[]> {
  const { host, settings, connect, shared, activitySlots: slots = ACTIVITY_SLOTS } = input;
  const { controlTaskQueue } = settings.temporal;
  const activities = hostActivities(input);
  const queues = [
    [machineTaskQueue, slots.create],
    [machineBootTaskQueue, slots.boot],
    [machineMaintenanceTaskQueue, slots.maintenance],
  ] as const;
  return Promise.all(
    queues.map(async ([taskQueueOf, maxConcurrentActivityTaskExecutions]) =>
      Worker.create({
        ...shared,
        connection: await connect(),
        taskQueue: taskQueueOf(host.provider.name, controlTaskQueue),
        activities,
        maxConcurrentActivityTaskExecutions,
        // A cancellation reaches an activity with the answer to a heartbeat, so they may not be held back longer.
        maxHeartbeatThrottleInterval: TIMEOUTS.activityHeartbeatIntervalSeconds * 1000,
      }),
    ),
  );
}

function hostActivities(input: HostWorkerInput): MachineActivities & SweepActivities {
  const { host, settings, secret, observeSweep, aroundActivities } = input;
  const { provider, links, budget, room } = host;
  const { controlTaskQueue } = settings.temporal;
  const sealedInputs = new SealedInputs(secret, settings.deployment);
  const signatures = new StartSignatures(secret, settings.deployment);
  const issueBootstrap = bootstrapIssuer(provider.name, settings, secret);
  const machineActivities = createMachineActivities({
    provider,
    links,
    budget,
    room,
    verifySignature: ({ sealed, ...start }, signature) =>
      sealed === undefined ? signatures.verify(start, signature) : signatures.verifyWith(start, sealed, signature),
    openSealed: (start, sealed) => sealedInputs.open(start, sealed),
    ...(issueBootstrap === null
      ? {}
      : { apiAnswers: (signal: AbortSignal) => apiAnswers(reachOf(settings.api), signal) }),
    issueBootstrap,
  });
  const sweepActivities = createSweepActivities({
    provider: pacedForWorker(provider, budget),
    links,
    ledger: temporalVmLedger({
      client: host.client,
      signals: host.signals,
      provider: provider.name,
      // Machines in zones of a cloud are on no host of ours.
      host: PROVIDER_CAPABILITIES[provider.name]?.zones ? null : settings.hostId,
      controlTaskQueue,
    }),
    workflowIdOf: ({ project, vm }) => vmWorkflowId(project, vm),
    now: Date.now,
  });
  return {
    ...(aroundActivities?.(machineActivities) ?? machineActivities),
    ...measuredSweeps(sweepActivities, provider.name, observeSweep),
  };
}
