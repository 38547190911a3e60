/** The host role: one provider's machines on this computer, their links, and the workers that run their activities. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createMachineActivities } from '../../activities/machine/machine-activities.ts';
import { pacedProvider } from '../../activities/paced-provider.ts';
import { createSweepActivities, type SweepDependencies } from '../../activities/machine/sweep/sweep-machines.ts';
import { AgentTokens, type AgentTokenSubject } from '../../security/agents/agent-tokens.ts';
import { InstanceBindings } from '../../security/agents/instance-proofs.ts';
import type { HostKeys } from '../../security/hosts/host-keys.ts';
import { SealedInputs } from '../../security/sealing/sealed-input.ts';
import type { Settings } from '../../config/settings.ts';
import { StartSignatures } from '../../security/sealing/start-signatures.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { ImagePeers } from '../../domain/machine/image-peers.ts';
import type { AgentBootstrap, MachineProvider } from '../../domain/machine/provider.ts';
import type { SweepActivities } from '../../domain/machine/sweep.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { consoleIdentity, type ConsoleEndpoint } from '../../domain/host/console-endpoint.ts';
import {
  bootTaskQueueOf,
  hostMachineTaskQueue,
  machineTaskQueue,
  maintenanceTaskQueueOf,
} from '../../domain/wire-names.ts';
import { CallBudget } from '../../providers/call-budget.ts';
import { callRateOf, descriptorOf, ownSettings } from '../../providers/lookup.ts';
import { apiAnswers, ApiWatch } from '../links/api-reach.ts';
import { AgentLinks } from '../links/agent-links.ts';
import { measuredSweeps, type SweepObserver } from '../metrics/measured-sweeps.ts';
import type { CreateGate } from './create-gate.ts';
import { createSlots } from './create-slots.ts';
import type { HostRoom } from './host-room.ts';
import { FEW_POLLS, ONE_POLL } from './polls.ts';
import { hostCreates, type CreateParts } from './pull/host-creates.ts';
import { hostsOfRegistry, type HostList } from './pull/host-list.ts';
import { otherHostOf } from '../temporal/vm-host.ts';
import { temporalVmLedger } from '../temporal/temporal-vm-ledger.ts';
import { temporalVmSignals, withoutStaleReports, type VmSignals } from '../links/vm-signals.ts';

/** How many activities of each kind one worker runs at a time. */
export interface ActivitySlots {
  create: number;
  boot: number;
  maintenance: number;
}

/** A boot holds its slot for minutes and a create while it waits for room, so no kind may take those of another. */
const BYTES_PER_GB = 1024 ** 3;

const ACTIVITY_SLOTS: ActivitySlots = { create: 1000, boot: 1000, maintenance: 1000 };

export interface MachineHost {
  log: Logger;
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
  /** Absent: registered images are those of this host alone. */
  imagePeers?: ImagePeers;
}

/** What this process may ask of a provider, with the limits that were set. */
export function createCallBudget(provider: string, { providerCalls }: Pick<Settings, 'providerCalls'>): CallBudget {
  const callsPerSecond = providerCalls.perSecond[provider];
  const burst = providerCalls.burst[provider];
  const rate = callRateOf(provider, {
    ...(callsPerSecond === undefined ? {} : { callsPerSecond }),
    ...(burst === undefined ? {} : { burst }),
  });
  return new CallBudget({ rate, providerTakesCalls: descriptorOf(provider).takesCallsItself });
}

/** The provider for what the worker does by itself: it waits as long as it takes, and never in front of a destroy. */
export function pacedForWorker(provider: MachineProvider, budget: CallBudget): MachineProvider {
  return pacedProvider(provider, budget, () => ({ purpose: 'ongoing', askedAt: Date.now(), patienceMs: Infinity }));
}

/** Makes a provider by its name. */
export async function createProvider(
  name: string,
  { settings, vmServerFile, budget, imagePeers }: ProviderParts,
): Promise<MachineProvider> {
  const { stateDir, deployment, hostId, api, host } = settings;
  const descriptor = descriptorOf(name);
  const own = ownSettings(settings, descriptor);
  const module = await descriptor.load();
  return module.create({
    ...{ own, deployment, stateDir, hostId, apiUrl: api.url, vmServerFile, budget },
    ...(imagePeers === undefined ? {} : { imagePeers }),
    addresses: host.addresses,
    imageCacheBytes: host.imageCacheGb * BYTES_PER_GB,
  });
}

export function createMachineHost(
  provider: MachineProvider,
  budget: CallBudget,
  client: Client,
  room: HostRoom | null,
  log: Logger,
  leaseIsOver: () => boolean = () => false,
): MachineHost {
  const signals = withoutStaleReports(temporalVmSignals(client), leaseIsOver);
  const links = new AgentLinks({ provider: pacedForWorker(provider, budget), signals, log });
  return { provider, links, signals, client, budget, room, log };
}

/** How agents of a provider that report over HTTP get what they begin with; null where the link is a channel. */
function bootstrapIssuer(
  provider: string,
  settings: Settings,
  keys: HostKeys,
): ((subject: AgentTokenSubject) => AgentBootstrap) | null {
  const { deployment, api } = settings;
  const descriptor = descriptorOf(provider);
  const { agentIdentity } = descriptor;
  const { instances } = agentIdentity;
  const own = ownSettings(settings, descriptor);
  if (agentIdentity.link(own) === 'channel') return null;
  if (instances?.isUsed(own) === true) {
    const bindings = new InstanceBindings(keys, deployment, instances.proofWord);
    return (subject) => {
      const instanceName = instances.instanceName(deployment, subject.machineId);
      return { ...reachOf(api), secret: bindings.issue({ ...subject, instanceName }, Date.now()) };
    };
  }
  const tokens = new AgentTokens(keys, deployment);
  return (subject) => ({ ...reachOf(api), secret: tokens.issue('bootstrap', subject, Date.now()) });
}

function apiWatch({ api }: Settings): () => Promise<number | null> {
  const watch = new ApiWatch(() => apiAnswers(reachOf(api)));
  return () => watch.reachableSeconds();
}

/** Where machines reach the API, and by which certificate they know it. The file is read anew: it may be renewed. */
function reachOf({ url, caFile }: Settings['api']): Pick<AgentBootstrap, 'apiUrl' | 'apiCa'> {
  return caFile === null ? { apiUrl: url } : { apiUrl: url, apiCa: readFileSync(caFile, 'utf8') };
}

export interface HostWorkerInput {
  host: MachineHost;
  settings: Settings;
  keys: HostKeys;
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
  /** Shut while this host takes no creates; absent: it always does. */
  gate?: CreateGate;
  /** Those of the registry, unless a test has others. */
  hosts?: HostList;
  /** Where this process shows consoles; absent: nowhere. */
  consoles?: ConsoleEndpoint;
}

/** A cancellation reaches an activity with the answer to a heartbeat, so they may not be held back longer. */
const SOON_CANCELLED = { maxHeartbeatThrottleInterval: TIMEOUTS.activityHeartbeatIntervalSeconds * 1000 } as const;

/** The workers that run the activities of this host's machines, one for each queue. They do not poll yet. */
export async function createHostWorkers(input: HostWorkerInput): Promise<Worker[]> {
  const { host, settings, connect, shared, activitySlots: slots = ACTIVITY_SLOTS, gate } = input;
  const { controlTaskQueue } = settings.temporal;
  const provider = host.provider.name;
  const create = async (taskQueue: string, maxConcurrent: number, options: Partial<WorkerOptions>): Promise<Worker> =>
    Worker.create({
      ...shared,
      ...options,
      connection: await connect(),
      taskQueue,
      ...(options.tuner === undefined ? { maxConcurrentActivityTaskExecutions: maxConcurrent } : {}),
      ...SOON_CANCELLED,
    });
  const serve = (queue: string, options: Partial<WorkerOptions>, identity?: string): Promise<Worker>[] => [
    create(bootTaskQueueOf(queue), slots.boot, options),
    create(maintenanceTaskQueueOf(queue), slots.maintenance, {
      ...options,
      ...(identity === undefined ? {} : { identity }),
    }),
  ];
  const providerQueue = machineTaskQueue(provider, controlTaskQueue);
  if (descriptorOf(provider).placement === 'zone') {
    const activities = hostActivities(input, 'place', { room: null });
    const { consoles } = input;
    const identity = consoles && consoleIdentity(consoles, `${process.pid}@${hostname()}`);
    const served = serve(providerQueue, { activities }, identity);
    return Promise.all([create(providerQueue, slots.create, { activities }), ...served]);
  }
  const { hostId, host: self } = settings;
  const creates = hostCreates({
    self: { hostId, zone: self.zone, labels: self.labels, total: host.room?.total ?? null },
    ...{ provider, controlTaskQueue, gate, client: host.client, room: host.room, log: host.log },
    hosts: input.hosts ?? hostsOfRegistry(host.client, provider, controlTaskQueue),
    shared: { ...shared, ...SOON_CANCELLED },
    connection: await connect(),
    maxConcurrent: slots.create,
    createWith: (parts) => hostActivities(input, 'place', parts).createMachine,
  });
  const guarded = { activities: hostActivities(input, 'provider', creates.unasked) };
  const activities = hostActivities(input, 'place', creates.unasked);
  return Promise.all([
    // Of what control workers of before ask for, and of what nobody knows the host of, there is little.
    create(providerQueue, slots.create, {
      ...guarded,
      ...ONE_POLL,
      ...(gate === undefined ? {} : { tuner: createSlots(slots.create, gate) }),
    }),
    ...creates.workers(),
    ...serve(providerQueue, { ...guarded, ...ONE_POLL }),
    ...serve(hostMachineTaskQueue(provider, hostId, controlTaskQueue), { activities, ...FEW_POLLS }),
  ]);
}

/** `provider`: for queues that every host of the provider serves. */
function hostActivities(
  input: HostWorkerInput,
  queues: 'place' | 'provider',
  creates: CreateParts,
): MachineActivities & SweepActivities {
  const { host, settings, keys, observeSweep, aroundActivities, gate } = input;
  const { provider, links, budget } = host;
  const sealedInputs = new SealedInputs(keys, settings.deployment);
  const signatures = new StartSignatures(keys, settings.deployment);
  const issueBootstrap = bootstrapIssuer(provider.name, settings, keys);
  const machineActivities = createMachineActivities({
    provider,
    links,
    budget,
    ...creates,
    ...placeHere(provider.name, settings),
    ...(queues === 'place' ? {} : { otherHostOf: otherHostOf(host.client, settings.hostId) }),
    verifySignature: ({ sealed, ...start }, signature) =>
      sealed === undefined ? signatures.verify(start, signature) : signatures.verifyWith(start, sealed, signature),
    openSealed: (start, sealed) => sealedInputs.open(start, sealed),
    ...(issueBootstrap === null ? {} : { apiReachableSeconds: apiWatch(settings) }),
    issueBootstrap,
    ...(gate === undefined ? {} : { takesCreates: () => gate.isOpen }),
  });
  const sweepActivities = createSweepActivities(sweepDependencies(host, settings));
  return {
    ...(aroundActivities?.(machineActivities) ?? machineActivities),
    ...measuredSweeps(sweepActivities, provider.name, observeSweep),
  };
}

/** Where machines are that this process makes. */
function placeHere(provider: string, { hostId: host, temporal }: Settings): { queue: string; host?: string } {
  const { controlTaskQueue } = temporal;
  return descriptorOf(provider).placement === 'host'
    ? { host, queue: hostMachineTaskQueue(provider, host, controlTaskQueue) }
    : { queue: machineTaskQueue(provider, controlTaskQueue) };
}

/** What sweeps of this host's machines work with, and its reconciliation before it takes work. */
export function sweepDependencies(host: MachineHost, settings: Settings): SweepDependencies {
  const { provider, budget, links, client, signals } = host;
  return {
    provider: pacedForWorker(provider, budget),
    links,
    ledger: temporalVmLedger({
      ...{ client, signals, provider: provider.name },
      host: descriptorOf(provider.name).placement === 'host' ? settings.hostId : null,
      controlTaskQueue: settings.temporal.controlTaskQueue,
    }),
    now: Date.now,
  };
}
