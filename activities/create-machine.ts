import { ApplicationFailure } from '@temporalio/common';
import type { CreateMachineInput } from '../domain/activities.ts';
import type { ProviderErrorCode } from '../domain/error-codes.ts';
import type { CallProgress, MachineFacts, MachineProvider } from '../domain/machine-provider.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { RoomSize } from '../domain/room.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import { vmWorkflowId } from '../domain/wire-names.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { endCauseOf, takenAway } from './machine-end.ts';
import type { MachineRoom } from './machine-room.ts';
import type { ActivityTry } from './run-activity.ts';
import { requireOwnMachine, requireSignedCreate } from './signed-start.ts';

/**
 * Waits for room where that is limited, makes or adopts the machine, and opens its link so that a ready agent is heard
 * at once. Errors: `notSigned` for what the API did not start, before anything is done.
 */
export async function createMachine(
  dependencies: MachineActivityDependencies,
  input: CreateMachineInput,
  signal: AbortSignal,
  progress: CallProgress,
  { askedAt, workflowId: caller }: Pick<ActivityTry, 'askedAt' | 'workflowId'>,
): Promise<MachineFacts> {
  requireSignedCreate(dependencies, input, caller);
  const { provider, links, issueBootstrap, room } = dependencies;
  const { machineId, spec, project, vm, signature: startSignature } = input;
  const workflowId = vmWorkflowId(project, vm);
  const subject = { workflowId, machineId, ...(spec.sealed && startSignature ? { startSignature } : {}) };
  const agentBootstrap = issueBootstrap === null ? null : issueBootstrap(subject);
  const create = () =>
    provider
      .create({ machineId, spec, project, vm, startSignature, agentBootstrap }, signal, progress)
      .catch((error: unknown) => failedCreate(provider, machineId, error, signal));
  const machine = await (room
    ? inRoom(room, { machineId, size: await sizeOf(provider, spec), askedAt }, signal, create)
    : create());
  // An id that is in use is adopted, whoever had it made.
  requireOwnMachine(machine, spec.sealed === undefined ? null : { signature: startSignature }, caller);
  const { silenceTimeoutSeconds } = spec.idle;
  links.open({ machineId, workflowId, agent: machine.agent, silenceTimeoutSeconds });
  return {
    machineId,
    provider: machine.provider,
    host: machine.host,
    zone: machine.zone,
    address: machine.address,
  };
}

function sizeOf(provider: MachineProvider, spec: VmSpec): Promise<RoomSize> {
  const { cpus, memoryMb, diskGb } = spec;
  return provider.sizeOf?.(spec) ?? Promise.resolve({ cpus, memoryMb, diskGb: diskGb ?? 0 });
}

/** A machine that was made and ended by itself meanwhile may have been taken away: that is no fault of the create. */
async function failedCreate(
  provider: MachineProvider,
  machineId: string,
  error: unknown,
  signal: AbortSignal,
): Promise<never> {
  if (!(error instanceof ProviderError) || error.code !== MACHINE_ENDED) throw error;
  const cause = await endCauseOf(provider, machineId, signal);
  throw cause === undefined ? error : takenAway(machineId, cause);
}

const MACHINE_ENDED: ProviderErrorCode = 'machineEnded';
const NO_CAPACITY: ProviderErrorCode = 'noCapacity';

/** A refusal is a failure that is tried again soon: what it says is seen on the pending activity. */
async function inRoom<Result>(
  room: MachineRoom,
  request: Parameters<MachineRoom['reserve']>[0],
  signal: AbortSignal,
  create: () => Promise<Result>,
): Promise<Result> {
  const answer = await room.reserve(request, signal);
  if (answer.kind === 'refused') {
    const { message, askAgainMs } = answer;
    throw ApplicationFailure.create({ message, type: NO_CAPACITY, nextRetryDelay: askAgainMs });
  }
  try {
    return await create();
  } finally {
    room.settle(request.machineId);
  }
}
