import type { AgentBootstrap, MachineProvider } from '../../domain/machine/provider.ts';
import type { SecretInput } from '../../domain/machine/sealed-input.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { CallBudget } from '../../providers/call-budget.ts';
import type { MachineLinks } from './agent/machine-links.ts';
import type { MachineRoom } from './create/machine-room.ts';
import type { PlacementCheck } from './create/placement-check.ts';

export interface StartClaim {
  workflowId: string;
  spec: VmSpec;
  /** The machine of another owner that it may have. */
  adopts?: string;
}

interface BootstrapSubject {
  workflowId: string;
  machineId: string;
  /** Only where the machine has sealed input: the API gives it to no machine of another start. */
  startSignature?: string;
}

/** What the activities of one provider work with; nothing is read from the environment. */
export interface MachineActivityDependencies {
  provider: MachineProvider;
  links: MachineLinks;
  /** Base name of the queues that serve the machines made here: their place. */
  queue?: string;
  /** This host, where it alone knows the machines that it makes. */
  host?: string;
  /**
   * For queues that every host of the provider serves: which other host has the machine of a VM. Absent where whatever
   * is asked is asked of this host.
   */
  otherHostOf?: (workflowId: string) => Promise<string | undefined>;
  /** Whether this host takes creates now; absent: it always does. */
  takesCreates?: () => boolean;
  /** The calls that this process may make to the provider; absent: as many as there are. */
  budget?: CallBudget;
  /** Absent where a provider's machines take no room of this host, or it is not limited. */
  room?: MachineRoom | null;
  /** Present where hosts pull creates by zone, labels and size. */
  placement?: PlacementCheck;
  /**
   * Whether the API signed the start of this workflow with this spec, and with this sealed text where one is given; null:
   * with none.
   */
  verifySignature: (start: StartClaim & { sealed?: string | null }, signature: string | undefined) => boolean;
  /** Opens what the API sealed for a VM; undefined when it is damaged, of another VM, spec or key. */
  openSealed: (start: StartClaim, sealed: string) => SecretInput | undefined;
  /**
   * For how many seconds the API has answered at the address that machines have, without a break; null: it does not now.
   * Absent where none reports over HTTP.
   */
  apiReachableSeconds?: () => Promise<number | null>;
  /** Mints what an agent needs to report over HTTP; null where the link is a channel. */
  issueBootstrap: ((subject: BootstrapSubject) => AgentBootstrap) | null;
}
