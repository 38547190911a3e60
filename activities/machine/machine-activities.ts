import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { Activity, ActivityContext } from '../activity-context.ts';
import { adoptMachine } from './create/adopt-machine.ts';
import { awaitMachineReady } from './agent/await-ready.ts';
import { confirmUsage } from './agent/confirm-usage.ts';
import { createMachine } from './create/create-machine.ts';
import { deleteImage, makeImage } from './machine-image.ts';
import { resetMachine, resumeMachine, startMachine, stopMachine, suspendMachine } from './machine-power.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { destroyMachine } from './destroy-machine.ts';
import { pacedProvider } from '../paced-provider.ts';
import { probeMachine } from './agent/probe-machine.ts';
import { requireRightHost } from './order/right-host.ts';
import { runAsActivity } from '../run-activity.ts';
import { tellDraining } from './agent/tell-draining.ts';

/** How long one attempt waits for its turn in the provider's call budget, in ms: well within the time that it has. */
const PATIENCE_MS = {
  createMachine: 20_000,
  awaitMachineReady: 20_000,
  adoptMachine: 5000,
  confirmUsage: 2000,
  probeMachine: 10_000,
  tellDraining: 2000,
  stopMachine: 20_000,
  resetMachine: 20_000,
  startMachine: 20_000,
  makeImage: 20_000,
  deleteImage: 30_000,
  suspendMachine: 20_000,
  resumeMachine: 20_000,
  destroyMachine: 30_000,
} as const;

/** The first attempt is short, so that a person soon sees why. */
const FIRST_PATIENCE_MS = 2000;

/** What has begun goes before machines that are still to be made. */
const STARTING: readonly (keyof MachineActivities)[] = [
  ...(['createMachine', 'startMachine', 'resumeMachine', 'awaitMachineReady'] as const),
];

/** The activities of one provider on this host. Each may run again at any time. */
export function createMachineActivities(dependencies: MachineActivityDependencies): MachineActivities {
  const bound = <Input extends { machineId: string }, Output>(
    name: keyof MachineActivities,
    work: Activity<MachineActivityDependencies, Input, Output>,
  ): ((input: Input) => Promise<Output>) =>
    runAsActivity(async (input: Input, context) => {
      const paced = withinBudget(dependencies, name, context);
      // Any host may make a machine; only its own may say that there is none.
      if (name !== 'createMachine') await requireRightHost(paced, input.machineId, context);
      return work(paced, input, context);
    });
  return {
    createMachine: bound('createMachine', createMachine),
    awaitMachineReady: bound('awaitMachineReady', awaitMachineReady),
    adoptMachine: bound('adoptMachine', adoptMachine),
    confirmUsage: bound('confirmUsage', confirmUsage),
    probeMachine: bound('probeMachine', probeMachine),
    tellDraining: bound('tellDraining', tellDraining),
    stopMachine: bound('stopMachine', stopMachine),
    resetMachine: bound('resetMachine', resetMachine),
    startMachine: bound('startMachine', startMachine),
    makeImage: bound('makeImage', makeImage),
    deleteImage: bound('deleteImage', deleteImage),
    suspendMachine: bound('suspendMachine', suspendMachine),
    resumeMachine: bound('resumeMachine', resumeMachine),
    destroyMachine: bound('destroyMachine', destroyMachine),
  };
}

function withinBudget(
  dependencies: MachineActivityDependencies,
  name: keyof MachineActivities,
  { attempt, scheduledAt: askedAt, progress }: ActivityContext,
): MachineActivityDependencies {
  const { provider, budget } = dependencies;
  if (budget === undefined) return dependencies;
  const patienceMs = attempt === 1 ? Math.min(FIRST_PATIENCE_MS, PATIENCE_MS[name]) : PATIENCE_MS[name];
  const purpose = STARTING.includes(name) ? 'starting' : 'ongoing';
  const onWait = (why: string | null): void => progress.showWaiting(why);
  return {
    ...dependencies,
    provider: pacedProvider(provider, budget, () => ({ purpose, askedAt, patienceMs, onWait })),
  };
}
