/**
 * A create on a host that alone will know the machine. It names one attempt at one place: the host says that it takes it
 * before it makes anything, and what it has begun no other host goes on with (domain/machine/create-progress.ts).
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ACTIVITY_FAILURE } from '../../../domain/machine/activities.ts';
import { withHandedBack, type CreateProgress, type TakenBy } from '../../../domain/machine/create-progress.ts';
import type { Machine, MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { retryForever } from '../../../lib/waiting/backoff.ts';
import type { ActivityContext } from '../../activity-context.ts';
import { CallThrottled } from '../../paced-provider.ts';

export interface CreateHere {
  provider: MachineProvider;
  machineId: string;
  here: TakenBy;
  context: Pick<ActivityContext, 'signal' | 'handover'>;
}

/** Fails with `placeLost` where another host has begun. */
export function requireNotBegunElsewhere({ here, context }: Pick<CreateHere, 'here' | 'context'>): void {
  const { received } = context.handover;
  if (received.takenBy === undefined || received.takenBy.host === here.host) return;
  throw placeLost(`host ${received.takenBy.host} began to make it and did not finish`, received);
}

/**
 * Says that this host takes the create, and makes the machine. A failure that may be tried again leaves nothing here: what
 * was made is destroyed first, and then the create is over (`placeLost`), for an id that was destroyed is never made again.
 * A cancellation is acknowledged when what was made is gone.
 */
export async function createHere(parts: CreateHere, create: () => Promise<Machine>): Promise<Machine> {
  const { here, context } = parts;
  const { signal, handover } = context;
  const taken: CreateProgress = { handedBack: handover.received.handedBack, takenBy: here };
  signal.throwIfAborted();
  await handover.say(taken);
  try {
    return await create();
  } catch (error) {
    if (signal.aborted) throw await cancelled(parts, taken);
    const failure = failed(parts, taken, error);
    throw await failure.catch((late: unknown) => (signal.aborted ? cancelled(parts, taken) : late));
  }
}

async function cancelled(parts: CreateHere, taken: CreateProgress): Promise<unknown> {
  // A process that ends cannot wait for a destroy; it destroys what has no owner when it starts again.
  if (reasonOf(parts.context.signal) === 'WORKER_SHUTDOWN')
    return placeLost('the worker of its host ended meanwhile', taken);
  await untilGone(parts);
  return new CancelledFailure('the create was cancelled, and what it had made is gone', [{ create: taken }]);
}

async function failed(parts: CreateHere, taken: CreateProgress, error: unknown): Promise<unknown> {
  const { provider, machineId, here, context } = parts;
  if (isFinal(error)) return withDetails(error, taken);
  if (!(error instanceof CallThrottled)) {
    const never = { signal: new AbortController().signal };
    // A host that cannot tell keeps this attempt: of one that is over, and ends before the next one, nobody knows who took it.
    const look = (): Promise<Machine | undefined> => provider.describe(machineId, never);
    const left = await retryForever(look, context.signal, () => undefined);
    if (left !== undefined) {
      await provider.destroy(machineId, never).catch(() => undefined);
      return placeLost(error instanceof Error ? error.message : String(error), taken);
    }
  }
  const code = error instanceof ProviderError ? error.code : 'hostFailure';
  await context.handover.say(withHandedBack({ handedBack: taken.handedBack }, { host: here.host, code }));
  return error;
}

/** As long as it takes; the activity heartbeats meanwhile. */
async function untilGone({ provider, machineId }: CreateHere): Promise<void> {
  const never = new AbortController().signal;
  await retryForever(
    () => provider.destroy(machineId, { signal: never }),
    never,
    () => undefined,
  );
}

function isFinal(error: unknown): error is ProviderError | ApplicationFailure {
  if (error instanceof ProviderError) return error.terminal;
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}

/** The same failure, and where it was. */
function withDetails(error: ProviderError | ApplicationFailure, taken: CreateProgress): ApplicationFailure {
  const type = error instanceof ProviderError ? error.code : error.type;
  return ApplicationFailure.create({
    ...{ message: error.message, nonRetryable: true, details: [{ create: taken }] },
    ...(typeof type === 'string' ? { type } : {}),
  });
}

function placeLost(why: string, progress: CreateProgress): ApplicationFailure {
  const { placeLost: type } = ACTIVITY_FAILURE;
  return ApplicationFailure.create({ message: why, type, nonRetryable: true, details: [{ create: progress }] });
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
