import { callRateWith } from '../../domain/capacity/call-budget.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { CallBudget } from '../call-budget.ts';
import type { BackOff } from '../cloud/api-calls.ts';
import { createCloudProvider } from '../cloud/cloud-provider.ts';
import type { DiagnosisParts, Finding, ProviderParts } from '../descriptor.ts';
import { DigitalOceanCalls } from './calls/digitalocean-calls.ts';
import { digitalOceanClient } from './calls/digitalocean-client.ts';
import { CALL_RATE } from './capabilities.ts';
import type { DigitalOceanApi } from './calls/digitalocean-api.ts';
import { DropletCloud } from './droplet/droplet-cloud.ts';
import type { DropletDefaults } from './droplet/droplet-create.ts';
import { DEFAULT_IMAGE, DEFAULT_REGIONS } from './place.ts';
import { DIGITALOCEAN_RULES, type DigitalOceanRules } from './rules.ts';
import type { DigitalOceanSettings } from './settings.ts';
import { tokenOf } from './token.ts';

export interface DigitalOceanProviderOptions {
  deployment: string;
  /** Regions of specs that name none, in the order to try; `nyc3` unless given. */
  regions?: readonly string[];
  /** Another endpoint than DigitalOcean's. */
  endpoint?: string | null;
  /** Asked before the first call; null where the endpoint wants none. */
  token: () => Promise<string | null>;
  rules?: DigitalOceanRules;
  /** See {@link DropletDefaults}. */
  sshKeys?: readonly string[];
  image?: string;
  vmServerUrl?: string | null;
  /** The calls that this process makes to DigitalOcean; one of its own unless given. */
  budget?: CallBudget;
  backOff?: Partial<BackOff>;
  settleMs?: number;
  pollMs?: number;
  shutdownMs?: number;
}

const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 15_000, budgetMs: 60_000 };

/** Makes the provider; no call goes out before the first method is called. */
export function createDigitalOceanProvider(options: DigitalOceanProviderOptions): MachineProvider {
  const { deployment, regions = [], endpoint = null, shutdownMs, settleMs, pollMs } = options;
  const backOff = { ...DEFAULT_BACK_OFF, ...options.backOff };
  const budget = options.budget ?? new CallBudget({ rate: callRateWith(CALL_RATE) });
  const client = onceReady(async () => digitalOceanClient({ token: await options.token(), endpoint }));
  const defaults: DropletDefaults = {
    deployment,
    rules: options.rules ?? DIGITALOCEAN_RULES,
    sshKeys: options.sshKeys ?? [],
    image: options.image ?? DEFAULT_IMAGE,
    vmServerUrl: options.vmServerUrl ?? null,
  };
  const cloud = new DropletCloud(new DigitalOceanCalls(client, budget, backOff), {
    ...defaults,
    regions: regions.length > 0 ? regions : DEFAULT_REGIONS,
    ...(shutdownMs === undefined ? {} : { shutdownMs }),
    ...(pollMs === undefined ? {} : { addressPollMs: pollMs }),
  });
  return createCloudProvider({
    cloud,
    deployment,
    backOff,
    ...(settleMs === undefined ? {} : { settleMs }),
    ...(pollMs === undefined ? {} : { pollMs }),
  });
}

/** The client, made by the first call. Without a token that call fails, and a later one looks again. */
function onceReady(make: () => Promise<DigitalOceanApi>): () => Promise<DigitalOceanApi> {
  let made: Promise<DigitalOceanApi> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** The provider that the settings of this process ask for. */
export function create({
  own,
  deployment,
  budget,
  apiUrl,
}: ProviderParts<DigitalOceanSettings>): Promise<MachineProvider> {
  const { regions, endpoint, rules, sshKeys, image } = own;
  const vmServerUrl = own.vmServerUrl === 'none' ? null : (own.vmServerUrl ?? `${apiUrl}/v1/agent/vm-server.cjs`);
  const machines = { rules, sshKeys, image, vmServerUrl };
  const provider = { deployment, budget, regions, endpoint, token: () => tokenOf(own), ...machines };
  return Promise.resolve(createDigitalOceanProvider(provider));
}

/** Asks the cloud itself. */
export async function diagnose(parts: DiagnosisParts<DigitalOceanSettings>): Promise<Finding[]> {
  const doctor = await import('./diagnose.ts');
  return doctor.diagnose(parts);
}
