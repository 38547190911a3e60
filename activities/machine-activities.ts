import type { MachineActivities } from '../domain/activities.ts';
import type { CallProgress } from '../domain/machine-provider.ts';
import { awaitMachineReady } from './await-ready.ts';
import { confirmUsage } from './confirm-usage.ts';
import { createMachine } from './create-machine.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { destroyMachine } from './destroy-machine.ts';
import { probeMachine } from './probe-machine.ts';
import { runAsActivity } from './run-activity.ts';
import { tellDraining } from './tell-draining.ts';

/** The activities of one provider on this host. Each may run again at any time. */
export function createMachineActivities(dependencies: MachineActivityDependencies): MachineActivities {
  const bound = <Input, Output>(
    work: (
      dependencies: MachineActivityDependencies,
      input: Input,
      signal: AbortSignal,
      progress: CallProgress,
      askedAt: number,
    ) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) =>
    runAsActivity((input: Input, signal, progress, askedAt) => work(dependencies, input, signal, progress, askedAt));
  return {
    createMachine: bound(createMachine),
    awaitMachineReady: bound(awaitMachineReady),
    confirmUsage: bound(confirmUsage),
    probeMachine: bound(probeMachine),
    tellDraining: bound(tellDraining),
    destroyMachine: bound(destroyMachine),
  };
}
