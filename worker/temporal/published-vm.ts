/** What the worker reads of a VM's memo. It may be of another version of Ephemera, so it is checked before it counts. */
import { z } from 'zod';
import { VM_STATE_NAMES, type VmStateName } from '../../domain/vm/state.ts';
import { MEMO } from '../../domain/wire-names.ts';

const viewSchema = z.object({
  machineId: z.string(),
  uid: z.string().optional(),
  state: z.enum(VM_STATE_NAMES),
  spec: z.unknown().optional(),
});

const specSchema = z.object({
  readiness: z.object({ kind: z.string() }),
  idle: z.object({ silenceTimeoutSeconds: z.number().positive() }),
  sealed: z.unknown().optional(),
});

/** A VM as its workflow last published it. */
export interface PublishedVm {
  /** Empty before the workflow's first task. */
  machineId: string;
  /** The life of the name; absent where it is not published. */
  uid?: string;
  state: VmStateName;
}

/** Undefined: nothing was published, or nothing that can be read. Both say nothing about the VM. */
export function publishedVm(memo: Record<string, unknown> | undefined): PublishedVm | undefined {
  const view = viewOf(memo);
  const { machineId, uid, state } = view ?? {};
  if (machineId === undefined || state === undefined) return undefined;
  return { machineId, state, ...(uid === undefined ? {} : { uid }) };
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

const templateSchema = z.object({
  template: z.object({ version: z.number() }),
  pinned: z.literal(true).optional(),
  newerVersion: z.number().optional(),
});

/** What its template needs to know besides. Undefined as {@link publishedVm}, and of a VM that was made from no template. */
export function templateVm(
  memo: Record<string, unknown> | undefined,
): (Omit<PublishedVm, 'machineId'> & { version: number; isPinned: boolean; newerVersion?: number }) | undefined {
  const vm = publishedVm(memo);
  const about = z.object({ view: templateSchema }).safeParse(memo?.[MEMO.vm]).data?.view;
  if (vm === undefined || about === undefined) return undefined;
  const { uid, state } = vm;
  const { template, pinned = false, newerVersion } = about;
  return {
    ...{ state, version: template.version, isPinned: pinned },
    // Nobody knows the life of one whose workflow has had no task yet.
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(newerVersion === undefined ? {} : { newerVersion }),
  };
}

const imagesSchema = z.object({ startFrom: z.object({ imageId: z.string() }).optional() });
const pendingSchema = z.object({ view: z.object({ pendingImage: z.object({ imageId: z.string() }).optional() }) });

/** The image that a VM began with, and the one that is made of it; undefined where nothing readable says so. */
export function imagesOfVm(
  memo: Record<string, unknown> | undefined,
): { startedFrom: string | undefined; pending: string | undefined } | undefined {
  const view = viewOf(memo);
  const spec = imagesSchema.safeParse(view?.spec ?? memo?.[MEMO.spec]).data;
  if (view === undefined || spec === undefined) return undefined;
  const pending = pendingSchema.safeParse(memo?.[MEMO.vm]).data?.view.pendingImage?.imageId;
  return { startedFrom: spec.startFrom?.imageId, pending };
}

function viewOf(memo: Record<string, unknown> | undefined): z.infer<typeof viewSchema> | undefined {
  return z.object({ view: viewSchema }).safeParse(memo?.[MEMO.vm]).data?.view;
}
