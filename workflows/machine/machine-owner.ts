import type { PlacementKind } from '../../domain/machine/placement-kind.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';

/** What create, boot and destroy need to know of the workflow that owns the machine, as it is now. */
export interface MachineOwner {
  /** Its workflow id. */
  readonly owner: string;
  readonly spec: VmSpec;
  readonly machineId: string;
  /** Sealed input of the machine, null where it has none. */
  readonly sealed: string | null;
  /** What the API signed the start with; null where it was not signed. */
  readonly signature: string | null;
  /** The pool that the machine is made for, which the signature is for; absent where it is the owner's own. */
  readonly pool?: string;
  /** The host that is asked first for the machine; absent: whichever takes it. */
  readonly prefers?: string;
  /** It was made for another owner, and is told now what it is. */
  readonly isAdopted?: boolean;
  readonly placement: PlacementKind;
  /** Where the machine is; null while nobody said so. */
  readonly machine: MachineFacts | null;
  /** Until what ends the present phase by itself, in ms. */
  msToDeadline: () => number;
}
