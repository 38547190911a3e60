import type { PriceList } from '../../domain/cost/prices.ts';

/** Of the sizes whose price was found; `GET /v2/sizes` of your account has all of them. The disk comes with the size. */
export const PRICES: PriceList = {
  region: 'every region',
  readOn: '2026-05-28',
  source:
    'prices of sizes as SkyPilot and others have read them from the API, the smallest from its price of a month; the pricing page of Droplets says ' +
    'that one which is switched off is paid as one that runs',
  machineHourUsd: {
    's-1vcpu-512mb-10gb': 0.00595,
    's-1vcpu-1gb': 0.00893,
    's-4vcpu-8gb': 0.07143,
  },
  diskGbMonthUsd: 0,
  whileStopped: 'all',
};
