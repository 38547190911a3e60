/**
 * Where a machine is: fixed by its create, and where everything that is asked of it later goes. A machine that is a
 * process of a host is known to that host alone; any worker can ask a cloud for a machine in one of its zones.
 */
import { hostMachineTaskQueue, machineTaskQueue } from '../wire-names.ts';
import type { MachineFacts } from './provider.ts';

export interface Place {
  /** Base name of the queues that serve it: see `bootTaskQueueOf` and `maintenanceTaskQueueOf`. */
  queue: string;
  host: string | null;
  zone: string | null;
}

/** The place of a machine. Facts of before name no queue: then its host's, or the provider's where it has no host. */
export function placeOf({ provider, host, zone, queue }: MachineFacts, controlTaskQueue: string): Place {
  const ofHost = host === null ? undefined : hostMachineTaskQueue(provider, host, controlTaskQueue);
  return { queue: queue ?? ofHost ?? machineTaskQueue(provider, controlTaskQueue), host, zone };
}
