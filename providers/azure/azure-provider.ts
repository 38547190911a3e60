/** Machines that are virtual machines of Azure. */
import { callRateWith, type CallRate } from '../../domain/capacity/call-budget.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { CallBudget } from '../call-budget.ts';
import type { BackOff } from '../cloud/api-calls.ts';
import { createCloudProvider } from '../cloud/cloud-provider.ts';
import type { MachineIdentity } from '../cloud/startup-script.ts';
import { AzureCloud } from './azure-cloud.ts';
import type { AzureAccess } from './calls/azure-clients.ts';
import { CALL_RATE } from './capabilities.ts';
import { DEFAULT_IMAGE } from './machine/image-reference.ts';
import { DEFAULT_PLACES } from './place.ts';
import { AZURE_RULES, type AzureRules } from './rules.ts';

export interface AzureProviderOptions {
  deployment: string;
  subscription: string;
  /** Of this deployment alone. */
  resourceGroup: string;
  /** Locations and zones of specs that name none, in the order to try. */
  places?: readonly string[];
  /** What specs may ask for; those of a deployment that sets none unless given. */
  rules?: AzureRules;
  /** Another endpoint than Azure's; `http://` means without credentials. */
  endpoint?: string | null;
  /** Whose token is sent; what `DefaultAzureCredential` finds unless given. */
  credential?: AzureAccess['credential'];
  workerIdentity?: string | null;
  /** What `vm-server` and containers run on. */
  image?: string | null;
  diskType?: string;
  securityGroup?: string | null;
  egressSecurityGroup?: string | null;
  identity?: MachineIdentity;
  vmServerUrl?: string | null;
  /** The calls that this process makes to Azure; one of its own unless given. */
  budget?: CallBudget;
  /** Of a budget of its own. */
  rate?: Partial<CallRate>;
  backOff?: Partial<BackOff>;
  /** See {@link CloudProviderOptions}. */
  settleMs?: number;
  pollMs?: number;
}

/** Azure keeps the interface of a machine that it refused for three minutes: until then it can be in no other location. */
const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 15_000, budgetMs: 240_000 };

/** Makes the provider; no call goes out before the first method is called. */
export function createAzureProvider(options: AzureProviderOptions): MachineProvider {
  const { deployment, subscription, resourceGroup, places = [], settleMs, pollMs } = options;
  const backOff = { ...DEFAULT_BACK_OFF, ...options.backOff };
  const budget = options.budget ?? new CallBudget({ rate: { ...callRateWith(CALL_RATE), ...options.rate } });
  const sealed = options.securityGroup ?? null;
  const cloud = new AzureCloud({
    ...{ deployment, subscription, resourceGroup, budget, backOff },
    places: places.length > 0 ? places : DEFAULT_PLACES,
    rules: options.rules ?? AZURE_RULES,
    endpoint: options.endpoint ?? null,
    credential: options.credential,
    workerIdentity: options.workerIdentity ?? null,
    image: options.image ?? DEFAULT_IMAGE,
    diskType: options.diskType ?? 'StandardSSD_LRS',
    securityGroups: { sealed, open: options.egressSecurityGroup ?? sealed },
    identity: options.identity ?? 'secret',
    vmServerUrl: options.vmServerUrl ?? null,
  });
  return createCloudProvider({
    ...{ cloud, deployment, backOff },
    ...(pollMs === undefined ? {} : { pollMs }),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
}
