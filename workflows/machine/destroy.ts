import { log, sleep } from '@temporalio/workflow';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { failureOf } from './failures.ts';

/**
 * Resolves only when the machine is observed gone: whatever an activity says, the next try follows. `ownedBy`: or when it has
 * another owner by now.
 */
export async function destroyMachineOf(machineId: string, machine: MachineActivities, ownedBy?: string): Promise<void> {
  for (;;) {
    try {
      await machine.destroyMachine({ machineId, ...(ownedBy === undefined ? {} : { ownedBy }) });
      return;
    } catch (error) {
      log.error('a destroy was given up by its activity and starts again', {
        machineId,
        failure: failureOf(error).detail,
      });
      await sleep(TIMEOUTS.destroyBackoffCapSeconds * 1000, { summary: 'Before the destroy is tried again' });
    }
  }
}
