/** What the agent of an instance proves itself with: tags, which its metadata service shows (InstanceMetadataTags). */
import { AGENT_PROOF, proofValues } from '../../domain/machine/agent-proof.ts';
import { machineKeyOf } from '../cloud/machine-key.ts';
import type { MachineIdentity } from '../cloud/startup-script.ts';

/** The tags of an instance that is made; those of {@link proofTags} and the key of its disk, which stays. */
export function firstProofTags(machineId: string, identity: MachineIdentity, secret: string): Record<string, string> {
  return { ...proofTags(identity, secret), ...proofValues(AGENT_PROOF.key, machineKeyOf(machineId, secret)) };
}

/** To be set in one call over those of before: one that reads while they change gets nothing that proves anything. */
export function proofTags(identity: MachineIdentity, secret: string): Record<string, string> {
  return proofValues(identity === 'secret' ? AGENT_PROOF.secret : AGENT_PROOF.binding, secret);
}
