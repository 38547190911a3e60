import type { MachineFacts } from './provider.ts';

/** Type of the failure by which an exchange is put off: the machine may be up before its create call returns. */
export const INSTANCE_UNKNOWN_YET = 'instanceUnknownYet';

/**
 * Whether who proved to be on that instance of a cloud is on the machine. `instanceId` absent: the proof named the machine. What
 * is not known of a machine proves nothing.
 */
export function isOnInstance(
  machine: Pick<MachineFacts, 'instanceId'> | null,
  instanceId: string | undefined,
): boolean {
  return instanceId === undefined || machine?.instanceId?.toLowerCase() === instanceId.toLowerCase();
}
