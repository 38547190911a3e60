import type { PoolTemplate } from '../pool/state.ts';
import type { RollOrder } from './state.ts';

/** What the workflow of a template asks of control workers. */
export interface TemplateActivities {
  /** Tells the pool of the template, which begins with that where there is none. Idempotent by `revision`. */
  configurePool: (input: { project: string; template: PoolTemplate }) => Promise<void>;
  /** Tells the VMs of the template that an order is about. Idempotent by `revision`. */
  rollOverVms: (input: { project: string; template: string; order: RollOrder }) => Promise<void>;
}
