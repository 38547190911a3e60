import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { ACTIVITY_FAILURE, type MachineActivities } from '../../domain/machine/activities.ts';
import { createProgressOf } from '../../domain/machine/create-progress.ts';
import { ownerNames } from '../../domain/machine/owner.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import { failureOf, type Failed } from './failures.ts';
import type { MachineOwner } from './machine-owner.ts';

/** What a create that made no machine for its owner may have left: the facts say on which host. */
export type Begun = MachineFacts | 'nothing' | 'unknown';

export type CreateResult =
  | { kind: 'created'; begun: MachineFacts }
  /** Its host cannot finish it: the owner asks again, for another machine. */
  | { kind: 'placeLost'; begun: Begun; detail: string }
  | { kind: 'failed'; begun: Begun; failure: Failed }
  | { kind: 'cancelled'; begun: Begun };

/** One create of the owner's present machine, or what became of it. */
export async function createMachineOf(owner: MachineOwner, machine: MachineActivities): Promise<CreateResult> {
  const { machineId, spec, signature } = owner;
  try {
    const signed = signature === null ? {} : { signature };
    const uid = workflowInfo().firstExecutionRunId;
    const madeFor = owner.pool === undefined ? {} : { pool: owner.pool };
    const input = { machineId, spec, ...ownerNames(owner.owner), uid, ...signed, ...madeFor };
    return { kind: 'created', begun: await machine.createMachine(input) };
  } catch (error) {
    const begun = begunBy(error, owner);
    if (isCancellation(error)) return { kind: 'cancelled', begun };
    const failure = failureOf(error);
    return isPlaceLost(error, owner)
      ? { kind: 'placeLost', begun, detail: placeLostText(begun, failure) }
      : { kind: 'failed', begun, failure };
  }
}

function isPlaceLost(error: unknown, { placement }: MachineOwner): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return cause.type === ACTIVITY_FAILURE.placeLost;
  if (placement !== 'host' || !(cause instanceof TimeoutFailure)) return false;
  return cause.timeoutType === 'HEARTBEAT' || cause.timeoutType === 'START_TO_CLOSE';
}

function placeLostText(begun: Begun, { detail }: Failed): string {
  const host = typeof begun === 'object' ? `host ${begun.host ?? 'of the create'}` : 'the host that took the create';
  return `${host} could not finish it (${detail})`;
}

/**
 * What its host said of a create that failed or was cancelled. A host says that it takes a create before it makes
 * anything, so where none did there is nothing, unless hosts of before were asked, who said nothing.
 */
function begunBy(error: unknown, { placement, machineId, spec: { provider } }: MachineOwner): Begun {
  if (placement !== 'host' || !(error instanceof ActivityFailure)) return 'unknown';
  const { takenBy } = createProgressOf(detailsOf(error.cause));
  if (takenBy !== undefined) {
    const { host, queue } = takenBy;
    return { machineId, provider, host, zone: null, address: null, queue };
  }
  if (error.cause instanceof TimeoutFailure) return 'nothing';
  return detailsOf(error.cause) === NOT_STARTED ? 'nothing' : 'unknown';
}

/** What the server says of an activity that it cancelled itself, because no worker had it. */
const NOT_STARTED = 'ACTIVITY_ID_NOT_STARTED';

function detailsOf(cause: unknown): unknown {
  if (cause instanceof TimeoutFailure) return cause.lastHeartbeatDetails;
  if (cause instanceof ApplicationFailure || cause instanceof CancelledFailure) return cause.details?.[0];
  return undefined;
}
