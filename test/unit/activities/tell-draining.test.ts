import { expect, it } from 'vitest';
import type { MachineActivityDependencies } from '../../../activities/machine/dependencies.ts';
import { tellDraining } from '../../../activities/machine/agent/tell-draining.ts';
import { activityContext } from '../../../test-support/activity-context.ts';

/** A machine that runs, with a link to its agent. */
function dependencies(told: boolean[]): MachineActivityDependencies {
  const machine = { machineId: 'm-1', status: 'running', agent: { kind: 'unix', socketPath: '/nowhere' } };
  const send = (_machineId: string, { draining }: { draining: boolean }): boolean => told.push(draining) > 0;
  const links = { ensure: () => undefined, send };
  return { provider: { describe: () => Promise.resolve(machine) }, links } as unknown as MachineActivityDependencies;
}

it('a try that was given up tells no agent of a drain that was taken back since', async () => {
  const told: boolean[] = [];
  const givenUp = activityContext({ confirm: () => Promise.reject(new Error('given up')) });
  const drain = { machineId: 'm-1', draining: true };
  await expect(tellDraining(dependencies(told), drain, givenUp)).rejects.toThrow('given up');
  expect(told).toEqual([]);
  await tellDraining(dependencies(told), drain, activityContext());
  expect(told).toEqual([true]);
});
