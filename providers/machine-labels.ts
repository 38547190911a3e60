import { z } from 'zod';

/**
 * The labels of a machine as they are written down beside it, by whatever version of Ephemera. An earlier one
 * wrote no `owner`: `withOwner` (domain/machine/owner.ts) adds it.
 */
export const WRITTEN_LABELS = {
  deployment: z.string(),
  machineId: z.string(),
  owner: z.string().optional(),
  uid: z.string().exactOptional(),
  project: z.string(),
  vm: z.string(),
};
