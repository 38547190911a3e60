import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type {
  ResetMachineInput,
  StartMachineInput,
  StopMachineInput,
  SuspendAnswer,
} from '../../domain/machine/activities.ts';
import type {
  AgentBootstrap,
  Machine,
  MachineFacts,
  MachinePowerControl,
  MachineProvider,
} from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { ActivityContext } from '../activity-context.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { inRoom } from './create/in-room.ts';
import { keptAtIt } from './kept-at-it.ts';
import { machineFactsOf } from './machine-facts.ts';
import { requireOwner, requireSameStart } from './order/signed-start.ts';

const MACHINE_ENDED: ProviderErrorCode = 'machineEnded';

/**
 * Resolves when the machine is seen stopped, with its disk. Its link goes before: what it still says means nothing any more.
 * Errors: `machineEnded` where there is no such machine, which alone is not tried again; `notSigned`.
 */
export async function stopMachine(
  { provider, links, room }: MachineActivityDependencies,
  { machineId }: StopMachineInput,
  context: ActivityContext,
): Promise<void> {
  await machineToRest(provider, machineId, context, links);
  await keptAtIt(() => powerOf(provider).stop(machineId, context), MACHINE_ENDED);
  room?.stopped(machineId);
}

/**
 * Resolves when nothing of what was in the stopped machine is left. Errors: `machineEnded` and `notSigned` as for a stop,
 * `badSpec` where its provider cannot do that.
 */
export async function resetMachine(
  { provider }: MachineActivityDependencies,
  { machineId }: ResetMachineInput,
  context: ActivityContext,
): Promise<void> {
  await ownMachine(provider, machineId, context);
  const power = powerOf(provider);
  if (power.reset === undefined) throw new ProviderError('badSpec', `${provider.name} cannot reset machines`);
  // One that was given up must not empty what was started since.
  await context.confirm();
  await power.reset(machineId, context);
}

/**
 * Resolves with where the machine runs again. It needs room of its host as a create does; while there is none it fails with
 * `noCapacity` and is tried again. Errors: `machineEnded` and `notSigned` as for a stop, `bootFailed`.
 */
export async function startMachine(
  dependencies: MachineActivityDependencies,
  { machineId, silenceTimeoutSeconds, signature }: StartMachineInput,
  context: ActivityContext,
): Promise<MachineFacts> {
  const { provider, links, room, issueBootstrap, queue } = dependencies;
  const found = await ownMachine(provider, machineId, context);
  const { owner } = found.labels;
  const agentBootstrap = bootstrapOf(found, signature, issueBootstrap);
  const start = async (): Promise<Machine> => {
    await context.confirm();
    return powerOf(provider).start({ machineId, agentBootstrap }, context);
  };
  const { size } = found;
  const machine = await (room && size ? inRoom(room, machineId, room.startAgain({ machineId, size }), start) : start());
  links.close(machineId);
  links.open({ machineId, workflowId: owner, agent: machine.agent, silenceTimeoutSeconds });
  return machineFactsOf(machine, queue);
}

/**
 * Resolves when the machine is seen suspended, or stopped where its memory was not kept. Errors: as for a stop, and those with
 * which its provider refuses it for good.
 */
export async function suspendMachine(
  { provider, links }: MachineActivityDependencies,
  { machineId }: StopMachineInput,
  context: ActivityContext,
): Promise<SuspendAnswer> {
  await machineToRest(provider, machineId, context, links);
  const { status } = await suspensionOf(provider).suspend(machineId, context);
  return { keeps: status === 'stopped' ? 'disk' : 'memory' };
}

/** Resolves with where the machine runs again. It has kept its room on its host. Errors: as for a start. */
export async function resumeMachine(
  { provider, links, issueBootstrap, queue }: MachineActivityDependencies,
  { machineId, silenceTimeoutSeconds, signature }: StartMachineInput,
  context: ActivityContext,
): Promise<MachineFacts> {
  const found = await ownMachine(provider, machineId, context);
  const { owner } = found.labels;
  const agentBootstrap = bootstrapOf(found, signature, issueBootstrap);
  await context.confirm();
  const machine = await suspensionOf(provider).resume({ machineId, agentBootstrap }, context);
  links.close(machineId);
  links.open({ machineId, workflowId: owner, agent: machine.agent, silenceTimeoutSeconds });
  return machineFactsOf(machine, queue);
}

/** What its agent proves itself with once more. Errors: `notSigned` for a machine of another start. */
function bootstrapOf(
  machine: Machine,
  signature: string | undefined,
  issueBootstrap: MachineActivityDependencies['issueBootstrap'],
): AgentBootstrap | null {
  const { machineId, awaitsAssignment, labels } = machine;
  const isSealed = awaitsAssignment === true;
  requireSameStart(machine, isSealed ? { signature } : null);
  const sealedBy = isSealed && signature !== undefined ? { startSignature: signature } : {};
  return issueBootstrap?.({ workflowId: labels.owner, machineId, ...sealedBy }) ?? null;
}

/** The machine that is to be stopped or suspended, whose link is closed from then on. */
async function machineToRest(
  provider: MachineProvider,
  machineId: string,
  context: ActivityContext,
  links: MachineActivityDependencies['links'],
): Promise<Machine> {
  const machine = await described(provider, machineId, context);
  // An attempt that was given up must neither stop what was started since, nor cut it off.
  await context.confirm();
  links.close(machineId);
  return thereStill(machine, machineId);
}

async function ownMachine(provider: MachineProvider, machineId: string, context: ActivityContext): Promise<Machine> {
  return thereStill(await described(provider, machineId, context), machineId);
}

/** Ids are in every view: nobody stops or starts the machine of another owner. */
async function described(
  provider: MachineProvider,
  machineId: string,
  context: ActivityContext,
): Promise<Machine | undefined> {
  const machine = await provider.describe(machineId, context);
  if (machine !== undefined) requireOwner(machine, context.workflowId);
  return machine;
}

function thereStill(machine: Machine | undefined, machineId: string): Machine {
  if (machine === undefined) throw new ProviderError(MACHINE_ENDED, `${machineId} is not there any more`);
  return machine;
}

function powerOf({ name, power }: MachineProvider): MachinePowerControl {
  if (power !== undefined) return power;
  throw new ProviderError('badSpec', `${name} can neither stop nor start machines`);
}

type Suspension = Required<Pick<MachinePowerControl, 'suspend' | 'resume'>>;

function suspensionOf({ name, power }: MachineProvider): Suspension {
  if (canSuspend(power)) return power;
  throw new ProviderError('badSpec', `${name} can neither suspend nor resume machines`);
}

function canSuspend(power: MachinePowerControl | undefined): power is MachinePowerControl & Suspension {
  return power?.suspend !== undefined && power.resume !== undefined;
}
