import type { AgentBootstrap, MachineProvider } from '../domain/machine-provider.ts';
import type { SecretInput } from '../domain/sealed-input.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import type { CallBudget } from '../providers/call-budget.ts';
import type { MachineLinks } from './machine-links.ts';
import type { MachineRoom } from './machine-room.ts';

export interface StartClaim {
  workflowId: string;
  spec: VmSpec;
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
  /** The calls that this process may make to the provider; absent: as many as there are. */
  budget?: CallBudget;
  /** Absent where a provider's machines take no room of this host, or it is not limited. */
  room?: MachineRoom | null;
  /** Whether the API signed the start of this workflow with this spec, and with this sealed text where one is given. */
  verifySignature: (start: StartClaim & { sealed?: string }, signature: string | undefined) => boolean;
  /** Opens what the API sealed for a VM; undefined when it is damaged, of another VM, spec or key. */
  openSealed: (start: StartClaim, sealed: string) => SecretInput | undefined;
  /** Whether the API answers at the address that machines have; absent where none reports over HTTP. */
  apiAnswers?: (signal: AbortSignal) => Promise<boolean>;
  /** Mints what an agent needs to report over HTTP; null where the link is a channel. */
  issueBootstrap: ((subject: BootstrapSubject) => AgentBootstrap) | null;
}
