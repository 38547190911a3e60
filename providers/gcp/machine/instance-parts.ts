import type { ComputeApi } from '../calls/compute-api.ts';
import type { ComputeCalls } from '../calls/compute-calls.ts';
import type { Operations } from '../calls/operations.ts';
import type { Instances } from './instances.ts';

/** What it takes to change an instance and to see it done. */
export interface InstanceParts {
  api: ComputeApi;
  calls: ComputeCalls;
  operations: Operations;
  instances: Instances;
  project: string;
  pollMs: number;
}
