/** What the VM workflow is compared with: workflows as a sample would show them. */
import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';

export interface PeerActivities {
  create: (name: string) => Promise<string>;
  destroy: (name: string) => Promise<void>;
}

const activities = proxyActivities<PeerActivities>({ startToCloseTimeout: '1 minute' });

/** Two activities, nothing else. */
export async function twoActivities(name: string): Promise<string> {
  const machine = await activities.create(name);
  await activities.destroy(machine);
  return machine;
}

export const stopSignal = defineSignal('stop');

/** A sleep and one signal handler. */
export async function sleepUntilStopped(): Promise<void> {
  let stopped = false;
  setHandler(stopSignal, () => {
    stopped = true;
  });
  await Promise.race([sleep('30 days'), condition(() => stopped)]);
}
