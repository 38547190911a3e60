import type { AgentBootstrap, MachineProvider } from '../domain/machine-provider.ts';
import type { SecretInput } from '../domain/sealed-input.ts';
import type { CallBudget } from '../providers/call-budget.ts';
import type { MachineLinks } from './machine-links.ts';
import type { MachineRoom } from './machine-room.ts';

/** What the activities of one provider work with; nothing is read from the environment. */
export interface MachineActivityDependencies {
  provider: MachineProvider;
  links: MachineLinks;
  /** The calls that this process may make to the provider; absent: as many as there are. */
  budget?: CallBudget;
  /** Absent where a provider's machines take no room of this host, or it is not limited. */
  room?: MachineRoom | null;
  /** Opens what the API sealed for a VM; undefined when it is damaged, of another VM or of another key. */
  openSealed: (subject: { project: string; name: string }, sealed: string) => SecretInput | undefined;
  /** Mints what an agent needs to report over HTTP; null where the link is a channel. */
  issueBootstrap: ((subject: { workflowId: string; machineId: string }) => AgentBootstrap) | null;
}
