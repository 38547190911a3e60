import type { MachineActivities } from '../domain/activities.ts';
import type { CallProgress } from '../domain/machine-provider.ts';
import { awaitMachineReady } from './await-ready.ts';
import { confirmUsage } from './confirm-usage.ts';
import { createMachine } from './create-machine.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { destroyMachine } from './destroy-machine.ts';
import { pacedProvider, type PacedCaller } from './paced-provider.ts';
import { probeMachine } from './probe-machine.ts';
import { runAsActivity, type ActivityTry } from './run-activity.ts';
import { tellDraining } from './tell-draining.ts';

/**
 * How long one try waits for its turn in the provider's call budget, in ms: well within the time that a try has. The
 * first try is short, so that a person soon sees why.
 */
const PATIENCE_MS = {
  first: 2000,
  createMachine: 20_000,
  awaitMachineReady: 20_000,
  confirmUsage: 2000,
  probeMachine: 10_000,
  tellDraining: 2000,
  destroyMachine: 30_000,
} as const;

/** What has begun goes before machines that are still to be made. */
const STARTING: readonly (keyof MachineActivities)[] = ['createMachine', 'awaitMachineReady'];

/** The activities of one provider on this host. Each may run again at any time. */
export function createMachineActivities(dependencies: MachineActivityDependencies): MachineActivities {
  const bound = <Input, Output>(
    name: Exclude<keyof typeof PATIENCE_MS, 'first'>,
    work: (
      dependencies: MachineActivityDependencies,
      input: Input,
      signal: AbortSignal,
      progress: CallProgress,
      current: ActivityTry,
    ) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) =>
    runAsActivity((input: Input, signal, progress, current) => {
      const patienceMs = current.attempt === 1 ? Math.min(PATIENCE_MS.first, PATIENCE_MS[name]) : PATIENCE_MS[name];
      const purpose = STARTING.includes(name) ? 'starting' : 'ongoing';
      const { askedAt, sayWaiting: onWait } = current;
      return work(
        withinBudget(dependencies, { purpose, askedAt, patienceMs, onWait }),
        input,
        signal,
        progress,
        current,
      );
    });
  return {
    createMachine: bound('createMachine', createMachine),
    awaitMachineReady: bound('awaitMachineReady', awaitMachineReady),
    confirmUsage: bound('confirmUsage', confirmUsage),
    probeMachine: bound('probeMachine', probeMachine),
    tellDraining: bound('tellDraining', tellDraining),
    destroyMachine: bound('destroyMachine', destroyMachine),
  };
}

function withinBudget(dependencies: MachineActivityDependencies, caller: PacedCaller): MachineActivityDependencies {
  const { provider, budget } = dependencies;
  return budget === undefined
    ? dependencies
    : { ...dependencies, provider: pacedProvider(provider, budget, () => caller) };
}
