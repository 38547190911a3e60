/** What a cloud asks for its machines, and what a machine costs by that. Estimates: bills have taxes, traffic and discounts, too. */

/** List prices of one region. */
export interface PriceList {
  region: string;
  /** Day on which the source had them: `2026-11-30`. */
  readOn: string;
  /** Where they were read, for people. */
  source: string;
  /** Of a machine that runs, by its type. */
  machineHourUsd: Readonly<Record<string, number>>;
  /** Of each GB of the disk, running or stopped; 0 where it comes with the machine, null where nobody knows. */
  diskGbMonthUsd: number | null;
  /** What is paid for a machine that is stopped: its disk alone, or as if it ran. */
  whileStopped: 'disk' | 'all';
}

/** What a deployment says itself of a provider's prices: of machine types, and of its disks. */
export interface OwnPrices {
  machineHourUsd: Readonly<Record<string, number>>;
  diskGbMonthUsd?: number;
}

export interface MachineUse {
  machineType: string;
  diskGb: number;
  runningSeconds: number;
  /** Stopped or suspended, with its disk kept. */
  stoppedSeconds: number;
}

const SECONDS_PER_HOUR = 3600;
/** As clouds reckon: a year has 8,760 hours. */
const HOURS_PER_MONTH = 730;

/** The list with a deployment's own prices in place of those that it has. */
export function withOwnPrices(list: PriceList, own: OwnPrices | undefined): PriceList {
  if (own === undefined) return list;
  return {
    ...list,
    machineHourUsd: { ...list.machineHourUsd, ...own.machineHourUsd },
    diskGbMonthUsd: own.diskGbMonthUsd ?? list.diskGbMonthUsd,
  };
}

/** What a machine has cost, in US dollars; undefined where a price that it needs is not known. */
export function estimateUsd(use: MachineUse, list: PriceList): number | undefined {
  const hourUsd = Object.hasOwn(list.machineHourUsd, use.machineType)
    ? list.machineHourUsd[use.machineType]
    : undefined;
  const { diskGbMonthUsd, whileStopped } = list;
  if (hourUsd === undefined || diskGbMonthUsd === null) return undefined;
  const keptHours = (use.runningSeconds + use.stoppedSeconds) / SECONDS_PER_HOUR;
  const paidHours = whileStopped === 'all' ? keptHours : use.runningSeconds / SECONDS_PER_HOUR;
  return hourUsd * paidHours + (diskGbMonthUsd * use.diskGb * keptHours) / HOURS_PER_MONTH;
}
