import { createHash } from 'node:crypto';
import type { AdoptMachineInput, CreateMachineInput, SealedAssignment } from '../../../domain/machine/activities.ts';
import type { Machine } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { shapeOf } from '../../../domain/pool/warm-spec.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { parseVmWorkflowId, parseWarmWorkflowId } from '../../../domain/wire-names.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';

/**
 * What hosts check before they do what a workflow asks: a client that can write to Temporal can start workflows, schedule
 * activities and give them any input (docs/decisions/0030). The one thing that Temporal vouches for is the id of the
 * workflow that an activity runs for; everything in its input is a claim.
 */
type Verifier = Pick<MachineActivityDependencies, 'verifySignature'>;

/**
 * The owner of the machine: the workflow that the activity runs for. A warm machine is made for what the API signed for its
 * pool, and for the one workflow that is named after it. `workflowId`: undefined for an activity without one. Errors:
 * `notSigned`.
 */
export function requireSignedCreate(
  { verifySignature }: Verifier,
  { machineId, spec, signature, pool }: CreateMachineInput,
  workflowId: string | undefined,
): string {
  const isWarm = workflowId !== undefined && parseWarmWorkflowId(workflowId) === machineId;
  const signedFor = isWarm && pool?.startsWith('pool/') === true ? pool : workflowId;
  if (workflowId === undefined || !verifySignature({ workflowId: signedFor ?? workflowId, spec }, signature)) {
    const whose = signedFor ?? '(none)';
    throw notSigned(`the start of ${whose} carries no signature of this deployment's API for its spec`);
  }
  return workflowId;
}

/**
 * For which VMs a machine of a pool is good, as its host writes it down: those of the pool's project that are made of the
 * same. What a pool grants is a claim, and the API signs it unseen; undefined for what is no machine of a pool.
 */
export function madeForOf({ machineId, pool, spec }: CreateMachineInput, owner: string): string | undefined {
  const [, project] = pool?.split('/') ?? [];
  return project === undefined || parseWarmWorkflowId(owner) !== machineId ? undefined : madeFor(project, spec);
}

function madeFor(project: string, spec: VmSpec): string {
  return createHash('sha256')
    .update(JSON.stringify([project, shapeOf(spec)]))
    .digest('base64url');
}

/**
 * The workflow that may have the machine: the one that the activity runs for. Only a machine that waits is adopted, from the
 * workflow that is named after it. Errors: `notSigned`.
 */
export function requireSignedAdoption(
  { verifySignature }: Verifier,
  { machineId, from, spec, signature, adoptSignature }: AdoptMachineInput,
  workflowId: string | undefined,
): { to: string; madeFor: string } {
  const mayAdopt =
    workflowId !== undefined &&
    parseWarmWorkflowId(from) === machineId &&
    verifySignature({ workflowId, spec }, signature) &&
    verifySignature({ workflowId, spec, adopts: machineId }, adoptSignature);
  const vm = parseVmWorkflowId(workflowId ?? '');
  if (mayAdopt && vm !== undefined) return { to: workflowId, madeFor: madeFor(vm.project, spec) };
  const whose = workflowId ?? '(none)';
  throw notSigned(`${whose} carries no signature of this deployment's API for its spec and ${machineId}`);
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
 * Refuses a machine that was made for another owner, or for another start of the same name: it gets no assignment, no link
 * of it is opened and nothing of its console is read. `sealed`: the caller's start has sealed input; its signature then.
 * Errors: `notSigned`.
 */
export function requireOwnMachine(
  machine: Machine,
  sealed: { signature: string | undefined } | null,
  workflowId: string | undefined,
): void {
  requireOwner(machine, workflowId);
  requireSameStart(machine, sealed);
}

/** Refuses a machine that was made for another start of its owner's name; `sealed` as above. Errors: `notSigned`. */
export function requireSameStart(
  { labels, machineId, startSignature, awaitsAssignment }: Machine,
  sealed: { signature: string | undefined } | null,
): void {
  const { owner } = labels;
  if (sealed !== null && startSignature !== sealed.signature) {
    throw notSigned(`${machineId} was made for another start of ${owner}`);
  }
  if (sealed === null && awaitsAssignment === true) {
    throw notSigned(`${machineId} has sealed input, which this start of ${owner} does not have`);
  }
}

/** Refuses the machine of another owner. Errors: `notSigned`. */
export function requireOwner({ labels, machineId }: Machine, workflowId: string | undefined): void {
  const { owner } = labels;
  if (owner !== workflowId) throw notSigned(`${machineId} was made for ${owner}, not for ${workflowId ?? '(none)'}`);
}

function notSigned(why: string): ProviderError {
  return new ProviderError('notSigned', `notSigned: ${why}`);
}
