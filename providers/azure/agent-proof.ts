/** What the agent of a VM proves itself with: the VM's `userData`, which its metadata service shows and which can change. */
import { AGENT_PROOF } from '../../domain/machine/agent-proof.ts';
import { machineKeyOf } from '../cloud/machine-key.ts';
import type { MachineIdentity } from '../cloud/startup-script.ts';

/** The property `userData` of a VM that is made, in base64 as Azure takes it. */
export function firstUserData(machineId: string, identity: MachineIdentity, secret: string): string {
  return encoded({ ...proofOf(identity, secret), [AGENT_PROOF.key]: machineKeyOf(machineId, secret) });
}

/** The property with another proof; `before`: as the VM has it (`$expand=userData`), whose key of the disk stays. */
export function changedUserData(before: string, identity: MachineIdentity, secret: string): string {
  const kept = JSON.parse(Buffer.from(before, 'base64').toString('utf8') || '{}') as Record<string, string>;
  const key = kept[AGENT_PROOF.key];
  return encoded({ ...proofOf(identity, secret), ...(key === undefined ? {} : { [AGENT_PROOF.key]: key }) });
}

function proofOf(identity: MachineIdentity, secret: string): Record<string, string> {
  return { [identity === 'secret' ? AGENT_PROOF.secret : AGENT_PROOF.binding]: secret };
}

function encoded(texts: Record<string, string>): string {
  return Buffer.from(JSON.stringify(texts)).toString('base64');
}
