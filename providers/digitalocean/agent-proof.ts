/** What the agent of a droplet proves itself with: tags, which its metadata service shows. */
import { AGENT_PROOF, proofNames } from '../../domain/machine/agent-proof.ts';
import { machineKeyOf } from '../cloud/machine-key.ts';

/** The tags of a droplet that is made; those of {@link proofTags} and the key of its disk, which stays. `nowMs` in epoch ms. */
export function firstProofTags(machineId: string, secret: string, nowMs: number): string[] {
  return [...proofTags(secret, nowMs), ...proofNames(AGENT_PROOF.key, machineKeyOf(machineId, secret), 0)];
}

/** The newest count, once all of them are there: those of before ({@link isProofTag}) are taken away after that. */
export function proofTags(secret: string, nowMs: number): string[] {
  return proofNames(AGENT_PROOF.secret, secret, nowMs);
}

export function isProofTag(tag: string): boolean {
  return tag.startsWith(`${AGENT_PROOF.secret}:`);
}
