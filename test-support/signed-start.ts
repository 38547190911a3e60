/** Signed starts for tests that put hosts together themselves and start workflows without the API. */
import type { MachineActivityDependencies } from '../activities/machine/dependencies.ts';
import { SealedInputs } from '../security/sealing/sealed-input.ts';
import { StartSignatures, type StartClaim } from '../security/sealing/start-signatures.ts';
import type { SecretInput } from '../domain/machine/sealed-input.ts';
import { vmWorkflowId } from '../domain/wire-names.ts';
import type { VmInput } from '../workflows/messages.ts';

/** A deployment that may start VMs. */
export interface StartingDeployment {
  secret: Uint8Array;
  deployment: string;
}

const OF_TESTS: StartingDeployment = { secret: new Uint8Array(32).fill(9), deployment: 'test' };

/** The input of a workflow as the API of the deployment would start it. */
export function signedStart(
  { project, name, spec, ...more }: VmInput,
  secretInput: SecretInput | null = null,
  { secret, deployment }: StartingDeployment = OF_TESTS,
): VmInput {
  const claim = { workflowId: vmWorkflowId(project, name), spec };
  const sealed = secretInput === null ? null : new SealedInputs(secret, deployment).seal(claim, secretInput);
  const signature = new StartSignatures(secret, deployment).sign(claim, sealed);
  return { project, name, spec, signature, ...(sealed === null ? {} : { sealed }), ...more };
}

/** The signature of the start of any owner of machines, with no sealed input. */
export function signatureFor(claim: StartClaim, { secret, deployment }: StartingDeployment = OF_TESTS): string {
  return new StartSignatures(secret, deployment).sign(claim, null);
}

/** What a host checks and opens starts with. */
export function checkedStarts({ secret, deployment }: StartingDeployment = OF_TESTS): Pick<
  MachineActivityDependencies,
  'verifySignature' | 'openSealed'
> {
  const signatures = new StartSignatures(secret, deployment);
  const inputs = new SealedInputs(secret, deployment);
  return {
    verifySignature: ({ sealed, ...start }, signature) =>
      sealed === undefined ? signatures.verify(start, signature) : signatures.verifyWith(start, sealed, signature),
    openSealed: (start, sealed) => inputs.open(start, sealed),
  };
}
