/** What the API offers to do with a VM: by its state, what its provider can, and the role of who looks. */
import { offeredActions, type VmAction } from '../../../domain/vm/actions.ts';
import type { ProviderCapabilities } from '../../../domain/machine/provider-capabilities.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { PROVIDERS } from '../../../providers/registry.ts';
import type { Role } from '../../../security/keys/keys-file.ts';

/** What a provider must be able to. */
export const NEEDED_CAPABILITY = {
  ...({ stop: 'stop', start: 'stop', suspend: 'suspend', resume: 'suspend' } as const),
  ...({ close: 'close', snapshot: 'close' } as const),
} as const satisfies Partial<Record<VmAction, keyof ProviderCapabilities>>;

/** For those who may act. */
export function actionsOf({ state, provider }: Pick<VmView, 'state' | 'provider'>): VmAction[] {
  const capabilities = PROVIDERS.find(({ name }) => name === provider)?.capabilities;
  return offeredActions(state).filter((action) => {
    const capability = (NEEDED_CAPABILITY as Partial<Record<VmAction, 'stop' | 'suspend' | 'close'>>)[action];
    return capability === undefined || capabilities?.[capability] === true;
  });
}

export function mayAct(role: Role): boolean {
  return role !== 'viewer';
}

const CAN = '"can":[';

/** The JSON of a VM, as a key gets it that may only look. `can` is its last member. */
export function withoutActions(vmJson: string): string {
  return `${vmJson.slice(0, vmJson.lastIndexOf(CAN))}${CAN}]}`;
}
