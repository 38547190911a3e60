import type { PriceList } from '../../domain/cost/prices.ts';

/** Of the types that specs without a `machineType` get. */
export const PRICES: PriceList = {
  region: 'us-east-1',
  readOn: '2026-07-20',
  source: "on-demand prices of Amazon's price list, as the Karpenter provider for AWS has them",
  machineHourUsd: {
    't3.nano': 0.0052,
    't3.micro': 0.0104,
    't3.small': 0.0208,
    't3.medium': 0.0416,
    't3.large': 0.0832,
    't3.xlarge': 0.1664,
    't3.2xlarge': 0.3328,
    'm6i.4xlarge': 0.768,
    'm6i.8xlarge': 1.536,
    'm6i.16xlarge': 3.072,
  },
  diskGbMonthUsd: null,
  whileStopped: 'disk',
};
