import { ApplicationFailure } from '@temporalio/common';
import type { CreateMachineInput } from '../../../domain/machine/activities.ts';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import { withHandedBack, type TakenBy } from '../../../domain/machine/create-progress.ts';
import type { CallContext, MachineFacts, MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { RoomSize } from '../../../domain/capacity/room.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { ActivityContext } from '../../activity-context.ts';
import { createHere, requireNotBegunElsewhere } from './create-here.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { createLaneOf } from '../../../domain/capacity/create-lanes.ts';
import { inRoom } from './in-room.ts';
import { endCauseOf, takenAway } from '../machine-end.ts';
import { machineFactsOf } from '../machine-facts.ts';
import type { PlacementCheck, PlacementRequest } from './placement-check.ts';
import { madeForOf, requireOwnMachine, requireSignedCreate } from '../order/signed-start.ts';

/**
 * Waits for room where that is limited, makes the machine or finds it made, and opens its link so that the report of a ready
 * agent arrives at once. Errors: `notSigned` for what the API did not start, before anything is done; `placeLost`.
 */
export async function createMachine(
  dependencies: MachineActivityDependencies,
  input: CreateMachineInput,
  context: ActivityContext,
): Promise<MachineFacts> {
  const owner = requireSignedCreate(dependencies, input, context.workflowId);
  await handBackUnlessTaken(dependencies, context);
  const { provider, links, issueBootstrap, room, placement } = dependencies;
  const { machineId, spec, uid, signature: startSignature } = input;
  const madeFor = madeForOf(input, owner);
  const subject = { workflowId: owner, machineId, ...(spec.sealed && startSignature ? { startSignature } : {}) };
  const agentBootstrap = issueBootstrap === null ? null : issueBootstrap(subject);
  const here = hereOf(dependencies);
  if (here !== null) requireNotBegunElsewhere({ here, context });
  const make = () =>
    provider
      .create({ machineId, spec, owner, uid, startSignature, madeFor, agentBootstrap }, context)
      .catch((error: unknown) => failedCreate(provider, machineId, error, context))
      .catch((error: unknown) => imageElsewhere(placement, error, context));
  const create = () => (here === null ? make() : createHere({ provider, machineId, here, context }, make));
  const size = await sizeOf(provider, spec, context)
    .catch((error: unknown) => imageElsewhere(placement, error, context))
    .catch((error: unknown) => sayLacking(here, error, context));
  const zone = input.zone ?? null;
  await requirePlacement(placement, { spec, zone, size });
  const lane = createLaneOf(spec, zone);
  const request = { machineId, lane, size, askedAt: context.scheduledAt };
  const showWaiting = (why: string | null): void => context.progress.showWaiting(why);
  const machine = await (room
    ? inRoom(room, machineId, room.reserve(request, context.signal, showWaiting), create)
    : create());
  // One that an earlier attempt made is used.
  requireOwnMachine(machine, spec.sealed === undefined ? null : { signature: startSignature }, owner);
  const { silenceTimeoutSeconds } = spec.idle;
  links.open({ machineId, workflowId: owner, agent: machine.agent, silenceTimeoutSeconds });
  return machineFactsOf(machine, dependencies.queue, placement?.zone);
}

/** A poll may have been under way when this host was cordoned; what was begun goes on. */
async function handBackUnlessTaken(
  { takesCreates, host }: MachineActivityDependencies,
  { handover }: ActivityContext,
): Promise<void> {
  const { received } = handover;
  if (takesCreates === undefined || host === undefined || takesCreates() || received.takenBy !== undefined) return;
  await handover.say(withHandedBack(received, { host, code: NO_CAPACITY }));
  throw handedBack(NO_CAPACITY, `host ${host} takes no creates now; waiting for one that does`);
}

/** Null where any worker of the provider goes on with what another one began. */
function hereOf({ host, queue }: MachineActivityDependencies): TakenBy | null {
  return host === undefined || queue === undefined ? null : { host, queue };
}

function sizeOf(provider: MachineProvider, spec: VmSpec, call: CallContext): Promise<RoomSize> {
  const { cpus, memoryMb, diskGb } = spec;
  return provider.sizeOf?.(spec, call) ?? Promise.resolve({ cpus, memoryMb, diskGb: diskGb ?? 0 });
}

/** A machine that was made and ended by itself meanwhile may have been taken away: that is no fault of the create. */
async function failedCreate(
  provider: MachineProvider,
  machineId: string,
  error: unknown,
  call: CallContext,
): Promise<never> {
  if (!(error instanceof ProviderError) || error.code !== MACHINE_ENDED) throw error;
  const cause = await endCauseOf(provider, machineId, call);
  throw cause === undefined ? error : takenAway(machineId, cause);
}

const IMAGE_LACKS: readonly ProviderErrorCode[] = ['imageMissing', 'imageUnknown', 'imageUnreachable'];
const IMAGE_ELSEWHERE: ProviderErrorCode = 'imageElsewhere';

/** An image that this host lacks may be on another one; when every host has said that it lacks it, nobody can make it. */
async function imageElsewhere(
  placement: PlacementCheck | undefined,
  error: unknown,
  { handover }: ActivityContext,
): Promise<never> {
  const isLacking = error instanceof ProviderError && IMAGE_LACKS.includes(error.code);
  if (!isLacking || placement === undefined) throw error;
  const { handedBack } = handover.received;
  const lacking = handedBack.filter(({ code }) => code === IMAGE_ELSEWHERE).map(({ host }) => host);
  const others = await placement.otherHosts();
  if (others.some((host) => !lacking.includes(host))) throw new ProviderError(IMAGE_ELSEWHERE, error.message);
  const hosts = [placement.hostId, ...others].join(', ');
  throw others.length === 0 ? error : new ProviderError(error.code, `${error.message}; so on every host: ${hosts}`);
}

/** Nothing was begun here yet: the next host that takes the create knows that this one lacks its image. */
async function sayLacking(here: TakenBy | null, error: unknown, { handover }: ActivityContext): Promise<never> {
  const isElsewhere = error instanceof ProviderError && error.code === IMAGE_ELSEWHERE;
  if (!isElsewhere || here === null) throw error;
  await handover.say(withHandedBack(handover.received, { host: here.host, code: IMAGE_ELSEWHERE }));
  throw error;
}

/** A machine that may not be on this host is handed back, for another host to take. */
async function requirePlacement(placement: PlacementCheck | undefined, request: PlacementRequest): Promise<void> {
  const message = await placement?.refuse(request);
  if (message !== undefined) throw handedBack(NOT_MATCHING, message);
}

/** As soon as Temporal tries again: about a second, whatever is asked for. */
const HAND_BACK_MS = 100;

/** A refusal before anything was made: what it says is seen on the pending activity, and the create is tried again. */
function handedBack(type: ProviderErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type, nextRetryDelay: HAND_BACK_MS });
}

const NOT_MATCHING: ProviderErrorCode = 'notMatching';
const MACHINE_ENDED: ProviderErrorCode = 'machineEnded';
const NO_CAPACITY: ProviderErrorCode = 'noCapacity';
