/** Machines that are servers of a cloud. */
import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { Cloud } from './cloud.ts';

export interface CloudProviderOptions {
  cloud: Cloud;
  deployment: string;
  /** Between two looks at a server that is not where it should be yet. */
  pollMs?: number;
  /** How long a destroy waits for a make that may be on its way, when it finds no server. */
  settleMs?: number;
  /** Between tries of a make whose answer was lost, and how long it is tried. */
  backOff?: { firstMs: number; mostMs: number; budgetMs: number };
}

/** Makes the provider; no call goes out before the first method is called. */
export function createCloudProvider(options: CloudProviderOptions): MachineProvider {
  throw new Error(`not there yet: ${options.cloud.name}`);
}
