import type { MachineActivities, UsageReport } from '../../domain/machine/activities.ts';
import { failureOf, type Failed } from './failures.ts';
import type { MachineOwner } from './machine-owner.ts';

export type BootResult = { kind: 'ready'; usage: UsageReport | null } | { kind: 'failed'; failure: Failed };

/** Waits until the owner's machine is ready, or will never be. A cancellation passes. */
export async function bootMachineOf(owner: MachineOwner, machine: MachineActivities): Promise<BootResult> {
  const { owner: workflowId, machineId, spec, sealed, signature } = owner;
  const { readiness, idle } = spec;
  const { silenceTimeoutSeconds } = idle;
  const signed = signature === null ? {} : { signature };
  try {
    const isTold = sealed !== null || owner.isAdopted === true;
    const assign = isTold ? { assign: { spec, sealed, ...signed } } : {};
    // A machine of a pool gets its assignment from its VM.
    const waits = owner.pool === undefined ? {} : { waits: { signature: signature ?? '' } };
    const input = { machineId, readiness, silenceTimeoutSeconds, workflowId, ...assign, ...waits };
    return { kind: 'ready', usage: await machine.awaitMachineReady(input) };
  } catch (error) {
    return { kind: 'failed', failure: failureOf(error) };
  }
}
