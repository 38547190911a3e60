import { ActivityFailure, ApplicationFailure, log, sleep } from '@temporalio/workflow';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { failureOf } from './failures.ts';
import type { MachineOwner } from './machine-owner.ts';

/** `missing`: its provider knows no such machine. */
export type StopResult = { kind: 'stopped' } | { kind: 'missing' };
export type SuspendResult = StopResult | { kind: 'suspended' } | { kind: 'failed'; detail: string };
export type StartResult =
  { kind: 'started'; machine: MachineFacts } | { kind: 'missing' } | { kind: 'failed'; detail: string };

const MACHINE_ENDED: ProviderErrorCode = 'machineEnded';

/** Resolves when the machine is seen stopped or missing: whatever an activity says, the next try follows. A cancellation passes. */
export async function stopMachineOf(machineId: string, machine: MachineActivities): Promise<StopResult> {
  for (;;) {
    try {
      await machine.stopMachine({ machineId });
      return { kind: 'stopped' };
    } catch (error) {
      const { detail } = failureOf(error);
      if (isMissing(error)) return { kind: 'missing' };
      log.error('a stop was given up by its activity and starts again', { machineId, failure: detail });
      await sleep(TIMEOUTS.destroyBackoffCapSeconds * 1000, { summary: 'Before the stop is tried again' });
    }
  }
}

/** Resolves when the machine is seen suspended, stopped or missing, or its provider refused it for good. A cancellation passes. */
export async function suspendMachineOf(machineId: string, machine: MachineActivities): Promise<SuspendResult> {
  try {
    const { keeps } = await machine.suspendMachine({ machineId });
    return { kind: keeps === 'memory' ? 'suspended' : 'stopped' };
  } catch (error) {
    const { detail } = failureOf(error);
    return isMissing(error) ? { kind: 'missing' } : { kind: 'failed', detail };
  }
}

/**
 * One start or resume of the owner's machine, all its tries. `reset`: what was in it is gone before it starts. A cancellation
 * passes.
 */
export async function startMachineOf(
  owner: MachineOwner,
  machine: MachineActivities,
  { reset, how }: { reset: boolean; how: 'startMachine' | 'resumeMachine' },
): Promise<StartResult> {
  const { machineId, signature, spec } = owner;
  const { silenceTimeoutSeconds } = spec.idle;
  try {
    if (reset) await machine.resetMachine({ machineId });
    const signed = signature === null ? {} : { signature };
    return { kind: 'started', machine: await machine[how]({ machineId, silenceTimeoutSeconds, ...signed }) };
  } catch (error) {
    const { detail } = failureOf(error);
    return isMissing(error) ? { kind: 'missing' } : { kind: 'failed', detail };
  }
}

export function isMissing(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === MACHINE_ENDED
  );
}
