/** What machines of a provider would cost, a line for each template. */
import {
  estimateUsd,
  withOwnPrices,
  type MachineUse,
  type OwnPrices,
  type PriceList,
} from '../../domain/cost/prices.ts';
import type { ProviderDescriptor } from '../../providers/descriptor.ts';
import { offeredTemplates } from '../../providers/lookup.ts';
import { wholeSpec } from '../../spec/templates.ts';

const SECONDS_PER_HOUR = 3600;

/** Empty where its machines cost nothing that is known. `own`: prices of this deployment. */
export function estimatedCosts({ name, costs }: ProviderDescriptor, own: OwnPrices | undefined): string[] {
  if (costs === undefined) return [];
  const prices = withOwnPrices(costs.prices, own);
  const origin = `list prices of ${prices.region}, ${prices.readOn}${own === undefined ? '' : ', and your own'}`;
  return Object.entries(offeredTemplates([name])).map(([template, { spec }]) => {
    const machineType = costs.machineTypeOf(wholeSpec({ ...spec, provider: name, image: spec.image ?? '' }));
    return `template ${template}: ${hourText(machineType, spec.diskGb ?? 0, prices)} (${machineType}; ${origin})`;
  });
}

function hourText(machineType: string, diskGb: number, prices: PriceList): string {
  const use = { machineType, diskGb, runningSeconds: 0, stoppedSeconds: 0 } satisfies MachineUse;
  const withDisk = diskGb > 0 && prices.diskGbMonthUsd !== null;
  const list = withDisk ? prices : { ...prices, diskGbMonthUsd: 0 };
  const runs = estimateUsd({ ...use, runningSeconds: SECONDS_PER_HOUR }, list);
  if (runs === undefined) return 'no price is known';
  const stopped = estimateUsd({ ...use, stoppedSeconds: SECONDS_PER_HOUR }, list) ?? 0;
  const rest = withDisk || stopped > 0 ? `, ${usd(stopped)} while it is stopped` : ', without its disk';
  return `${usd(runs)} an hour${rest}`;
}

const usd = (amount: number): string => `$${amount.toFixed(4)}`;
