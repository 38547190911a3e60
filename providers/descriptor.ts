/**
 * What is known of a provider without loading it: what it can do, what can be set, how its machines prove themselves.
 * Everything here is pure data and pure functions; the provider itself, and its cloud's client, come with `load`.
 * A provider is a folder with a `descriptor.ts`, and a line in registry.ts.
 */
import type { CallRate } from '../domain/capacity/call-budget.ts';
import type { PriceList } from '../domain/cost/prices.ts';
import type { PlacementKind } from '../domain/machine/placement-kind.ts';
import type { ProviderCapabilities } from '../domain/machine/provider-capabilities.ts';
import type { ImagePeers } from '../domain/machine/image-peers.ts';
import type { MachineProvider } from '../domain/machine/provider.ts';
import type { VmSpec } from '../domain/vm/spec.ts';
import type { Known, Setting, SettingTree } from '../lib/settings/setting.ts';
import type { Template } from '../spec/templates.ts';
import type { CallBudget } from './call-budget.ts';
import type { HostTools } from './host-tools.ts';

/** `Own`: the provider's own settings, the values of its `settings.tree`. */
export interface ProviderDescriptor<Own = unknown> {
  /** As specs, settings, labels and task queues have it; stable. */
  name: string;
  /** One line for people: what its machines are. */
  description: string;
  capabilities: ProviderCapabilities;
  /** What fields of a spec mean for its machines, a line for each that it takes (docs/providers.md). */
  specFields?: Partial<Record<keyof VmSpec, string>>;
  /** Present where its machines cost money, and somebody looked up how much. */
  costs?: MachineCosts;
  placement: PlacementKind;
  /** Whether its machines take room of the host that makes them; `whenLimited`: where the settings limit the host. */
  hostRoom: 'always' | 'whenLimited' | 'never';
  /** What it gets where nothing is set. */
  callRate: Pick<CallRate, 'callsPerSecond' | 'burst'>;
  /** True where it takes a call of the budget for each request that it sends. */
  takesCallsItself: boolean;
  /** Templates that come with it, by name; they are for this provider. */
  templates: Readonly<Record<string, Template>>;
  settings: ProviderSettings;
  agentIdentity: AgentIdentity<Own>;
  /** The first choice of a full spec that these settings do not allow, beyond what `capabilities` say. */
  refuse(spec: VmSpec, own: Own): SpecRefusal | undefined;
  /** The provider's code, which nothing else loads. */
  load(): Promise<ProviderModule<Own>>;
  /** Present where a computer is prepared for its machines: `npm run image`, `npm run doctor`, `npm start`, `npm run host`. */
  loadHostTools?(): Promise<HostTools<Own>>;
}

export interface MachineCosts {
  prices: PriceList;
  /** The type of machine that a spec gets. Throws ProviderError `badSpec` where there is none. */
  machineTypeOf(spec: Pick<VmSpec, 'machineType' | 'cpus' | 'memoryMb' | 'diskGb' | 'spot'>): string;
}

export interface SpecRefusal {
  /** `unsupportedOption`: no setting would help. `optionNotAllowed`: this deployment's settings say no. */
  code: 'unsupportedOption' | 'optionNotAllowed' | 'invalidRequest';
  field: keyof VmSpec;
  /** What is wrong and what would do, for people. */
  problem: string;
}

export interface ProviderModule<Own> {
  /** Makes the provider of this process. Errors: ProviderError, such as `imageMissing`. */
  create(parts: ProviderParts<Own>): Promise<MachineProvider>;
  /** What a deployment with these settings needs, asked of the provider itself; for `npm run doctor`. */
  diagnose?(parts: DiagnosisParts<Own>): Promise<Finding[]>;
}

export type DiagnosisParts<Own> = Pick<ProviderParts<Own>, 'own' | 'deployment'>;

export interface Finding {
  check: string;
  ok: boolean;
  /** What was found. */
  found: string;
  /** What to do; empty when all is well. */
  todo: string;
}

/** What a provider is made from. */
export interface ProviderParts<Own> {
  own: Own;
  deployment: string;
  /** Absolute. */
  stateDir: string;
  hostId: string;
  /** Ranges of the host that its machines get addresses of; absent or empty: loopback. */
  addresses?: readonly string[];
  /** Where machines reach the API. */
  apiUrl: string;
  /** The built machine program. */
  vmServerFile: string;
  /** The calls of this process to the provider. */
  budget: CallBudget;
  /** Where registered images come from that are not here, and what they may take. */
  imagePeers?: ImagePeers;
  imageCacheBytes?: number;
}

export interface ProviderSettings {
  /** Its settings, `diskType` for one; their spellings begin with the provider's name: `gcpDiskType`. */
  tree: SettingTree;
  /** To set one of them where the provider is not offered is a mistake. */
  onlyWhenOffered: boolean;
  /** What is wrong with them, and with the API's settings for this provider, where it is offered. */
  contradictions(known: Known, api: SettingsOfTheApi): string[];
}

/** What providers ask about the API that their machines report to. */
export interface SettingsOfTheApi {
  host: Setting<string>;
  port: Setting<number>;
  url: Setting<string>;
}

/** How the agents of its machines are reached, and prove that they are those machines. */
export interface AgentIdentity<Own> {
  /** `channel`: what holds the link is the machine. `http`: it reports to the API with a token. */
  link(own: Own): 'channel' | 'http';
  /** Where machines get their program, if not from the API: who changes that on its way gets what the program gets. */
  programUrl?(own: Own): string | null;
  /** Present where the provider vouches for its instances, so that none needs a secret. */
  instances?: InstanceIdentity<Own>;
}

export interface InstanceIdentity<Own> {
  /** First word of a proof on the wire; stable. */
  proofWord: string;
  /**
   * `id`: its documents name an instance by an id of the cloud's own, which is known once the instance is made: then that of the
   * machine (MachineFacts.instanceId) must be the same. Absent: by the name that it was made with.
   */
  documentsName?: 'id';
  /** False where these settings give machines a one-time secret instead. */
  isUsed(own: Own): boolean;
  /** The name that the provider knows a machine's instance by. */
  instanceName(deployment: string, machineId: string): string;
  /** Null where with these settings no instance can be believed. `keysUrl`: instead of the provider's own. */
  verifier(own: Own, expected: { audience: string; keysUrl?: string }): InstanceVerifier | null;
}

export interface ExpectedInstance {
  instanceName: string;
  /** What says whose the instance is, as the agent showed it. */
  binding: string;
}

export interface InstanceVerifier {
  /**
   * The instance that a token of the provider vouches for; undefined when it is not the named one, where tokens name it, or the
   * token not for us or not valid now. Rejects only when the provider's keys cannot be had. `nowMs` in epoch ms.
   */
  verify(token: string, expected: ExpectedInstance, nowMs: number): Promise<{ instanceId: string } | undefined>;
}
