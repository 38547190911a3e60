import type { MachineProvider } from '../../domain/machine/provider.ts';
import { ApiCalls } from '../../providers/cloud/api-calls.ts';
import { createCloudProvider } from '../../providers/cloud/cloud-provider.ts';
import type { ProviderParts } from '../../providers/descriptor.ts';
import { failureOf, paperCloud } from './paper-cloud.ts';
import type { PaperSettings } from './settings.ts';

const BACK_OFF = { firstMs: 500, mostMs: 15_000, budgetMs: 60_000 };

export function create({ own, deployment, budget }: ProviderParts<PaperSettings>): Promise<MachineProvider> {
  const client = { optionsOf: (timeoutMs: number) => AbortSignal.timeout(timeoutMs), failureOf };
  const place = { endpoint: own.endpoint, deployment, places: [`${own.region}-1`] };
  return Promise.resolve(
    createCloudProvider({ cloud: paperCloud(place, new ApiCalls(budget, BACK_OFF, client)), deployment }),
  );
}
