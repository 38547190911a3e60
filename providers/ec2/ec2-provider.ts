import { callRateWith, type CallRate } from '../../domain/capacity/call-budget.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { CallBudget } from '../call-budget.ts';
import type { BackOff } from '../cloud/api-calls.ts';
import { createCloudProvider } from '../cloud/cloud-provider.ts';
import type { MachineIdentity } from '../cloud/startup-script.ts';
import { CALL_RATE } from './capabilities.ts';
import { Ec2Calls } from './calls/ec2-calls.ts';
import { Ec2Cloud } from './ec2-cloud.ts';
import { EC2_RULES, type Ec2Rules } from './rules.ts';

export interface Ec2ProviderOptions {
  deployment: string;
  region: string;
  /** Another endpoint than Amazon's; `http://` means without credentials. */
  endpoint?: string | null;
  /** What specs may ask for; those of a deployment that sets none unless given. */
  rules?: Ec2Rules;
  /** What `vm-server` and containers run on. */
  image?: string | null;
  identity?: MachineIdentity;
  vmServerUrl?: string | null;
  instanceProfile?: string | null;
  volumeType?: string;
  /** The calls that this process makes to EC2; one of its own unless given. */
  budget?: CallBudget;
  /** Of a budget of its own. */
  rate?: Partial<CallRate>;
  backOff?: Partial<BackOff>;
  /** See {@link CloudProviderOptions}. */
  settleMs?: number;
  pollMs?: number;
  /** Instances on one page of a list. */
  pageSize?: number;
}

const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 15_000, budgetMs: 60_000 };

/** Makes the provider; no call goes out before the first method is called. */
export function createEc2Provider(options: Ec2ProviderOptions): MachineProvider {
  const { deployment, region, endpoint = null, image = null, settleMs, pollMs, pageSize } = options;
  const backOff = { ...DEFAULT_BACK_OFF, ...options.backOff };
  const budget = options.budget ?? new CallBudget({ rate: { ...callRateWith(CALL_RATE), ...options.rate } });
  const cloud = new Ec2Cloud({
    calls: new Ec2Calls({ region, endpoint }, budget, backOff),
    region,
    defaults: {
      deployment,
      rules: options.rules ?? EC2_RULES,
      identity: options.identity ?? 'secret',
      vmServerUrl: options.vmServerUrl ?? null,
      instanceProfile: options.instanceProfile ?? null,
      volumeType: options.volumeType ?? 'gp3',
    },
    ownImage: image,
    ...(pageSize === undefined ? {} : { pageSize }),
  });
  return createCloudProvider({
    cloud,
    deployment,
    backOff,
    ...(pollMs === undefined ? {} : { pollMs }),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
}
