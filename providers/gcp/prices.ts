import type { PriceList } from '../../domain/cost/prices.ts';

/** Of the types that specs without a `machineType` get, and the next larger ones. */
export const PRICES: PriceList = {
  region: 'us-central1',
  readOn: '2026-08-03',
  source: 'on-demand prices of the Cloud Billing catalog, as the Karpenter provider for Google Cloud has them',
  machineHourUsd: {
    'e2-micro': 0.008376,
    'e2-small': 0.016753,
    'e2-medium': 0.033506,
    'e2-standard-2': 0.067011,
    'e2-standard-4': 0.134023,
    'e2-standard-8': 0.268046,
    'e2-standard-16': 0.536091,
    'e2-standard-32': 1.072183,
  },
  diskGbMonthUsd: null,
  whileStopped: 'disk',
};
