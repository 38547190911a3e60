/** What the worker reads of a VM's memo. It may be of another version of Ephemera, so it is checked before it counts. */
import { z } from 'zod';
import { VM_STATE_NAMES, type VmStateName } from '../domain/vm-state.ts';
import { MEMO } from '../domain/wire-names.ts';

const viewSchema = z.object({ machineId: z.string(), state: z.enum(VM_STATE_NAMES), spec: z.unknown().optional() });

const specSchema = z.object({
  readiness: z.object({ kind: z.string() }),
  idle: z.object({ silenceTimeoutSeconds: z.number().positive() }),
  sealed: z.unknown().optional(),
});

/** A VM as its workflow last published it. */
export interface PublishedVm {
  /** Empty before the workflow's first task. */
  machineId: string;
  state: VmStateName;
}

/** Undefined: nothing was published, or nothing that can be read. Both say nothing about the VM. */
export function publishedVm(memo: Record<string, unknown> | undefined): PublishedVm | undefined {
  const view = viewOf(memo);
  return view && { machineId: view.machineId, state: view.state };
}

/** What the links need to know besides. */
export interface LinkedVm extends PublishedVm {
  silenceTimeoutSeconds: number;
  /** The agent's first ready report makes the VM ready. */
  readyByAgent: boolean;
  /** It may not be ready before it has its sealed input. */
  isSealed: boolean;
}

/** Undefined as {@link publishedVm}, and where nothing readable says what the VM was made from. */
export function linkedVm(memo: Record<string, unknown> | undefined): LinkedVm | undefined {
  const view = viewOf(memo);
  // VMs that were started by code of before have their spec in the view.
  const spec = specSchema.safeParse(view?.spec ?? memo?.[MEMO.spec]).data;
  if (view === undefined || spec === undefined) return undefined;
  return {
    machineId: view.machineId,
    state: view.state,
    silenceTimeoutSeconds: spec.idle.silenceTimeoutSeconds,
    readyByAgent: spec.readiness.kind === 'agent',
    isSealed: spec.sealed !== undefined,
  };
}

function viewOf(memo: Record<string, unknown> | undefined): z.infer<typeof viewSchema> | undefined {
  return z.object({ view: viewSchema }).safeParse(memo?.[MEMO.vm]).data?.view;
}
