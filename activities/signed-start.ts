import type { CreateMachineInput, SealedAssignment } from '../domain/activities.ts';
import type { Machine } from '../domain/machine-provider.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import { vmWorkflowId } from '../domain/wire-names.ts';
import type { MachineActivityDependencies } from './dependencies.ts';

/**
 * What hosts check before they do what a workflow asks: whoever can write to Temporal can start workflows, schedule
 * activities and give them any input (docs/decisions/0030). The one thing that Temporal vouches for is the id of the
 * workflow that an activity runs for; everything in its input is a claim.
 */
type Verifier = Pick<MachineActivityDependencies, 'verifySignature'>;

/** `workflowId`: the one that the activity runs for; undefined for an activity without a workflow. Errors: `notSigned`. */
export function requireSignedCreate(
  { verifySignature }: Verifier,
  { project, vm, spec, signature }: CreateMachineInput,
  workflowId: string | undefined,
): void {
  const claimed = vmWorkflowId(project, vm);
  if (workflowId !== claimed) throw notSigned(`workflow ${workflowId ?? '(none)'} asks for a machine of ${claimed}`);
  if (!verifySignature({ workflowId, spec }, signature)) {
    throw notSigned(`the start of ${claimed} carries no signature of this deployment's API for its spec`);
  }
}

/** The assignment with its spec, which then holds for env and time-outs whatever the input says. Errors: `notSigned`. */
export function requireSignedAssignment(
  { verifySignature }: Verifier,
  { spec, sealed, signature }: SealedAssignment,
  workflowId: string | undefined,
): { workflowId: string; spec: VmSpec } {
  if (workflowId === undefined || spec === undefined || !verifySignature({ workflowId, spec, sealed }, signature)) {
    const whose = workflowId ?? '(none)';
    throw notSigned(`the sealed input of ${whose} carries no signature of this deployment's API for it and its spec`);
  }
  return { workflowId, spec };
}

/**
 * Refuses a machine that was made for another VM, or for another start of the same name: nothing is told to it, no link
 * of it is opened and nothing of its console is read. `sealed`: the caller's start has sealed input; its signature then.
 * Errors: `notSigned`.
 */
export function requireOwnMachine(
  { labels, machineId, startSignature, awaitsAssignment }: Machine,
  sealed: { signature: string | undefined } | null,
  workflowId: string | undefined,
): void {
  const owner = vmWorkflowId(labels.project, labels.vm);
  if (owner !== workflowId) throw notSigned(`${machineId} was made for ${owner}, not for ${workflowId ?? '(none)'}`);
  if (sealed !== null && startSignature !== sealed.signature) {
    throw notSigned(`${machineId} was made for another start of ${owner}`);
  }
  if (sealed === null && awaitsAssignment === true) {
    throw notSigned(`${machineId} has sealed input, which this start of ${owner} does not have`);
  }
}

function notSigned(why: string): ProviderError {
  return new ProviderError('notSigned', `notSigned: ${why}`);
}
