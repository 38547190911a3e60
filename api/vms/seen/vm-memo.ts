/** A VM's memo at the API's boundary: how it is written at the start, and what is checked before it counts. */
import { z } from 'zod';
import { END_REASONS, newVm, VM_STATE_NAMES } from '../../../domain/vm/state.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { vmMemo, vmView, type TimelineEntryView, type VmView } from '../../../domain/vm/view.ts';
import { MEMO } from '../../../domain/wire-names.ts';

/** What the API itself relies on; what else is there is passed on as it is. */
const specSchema = z.looseObject({
  provider: z.string(),
  env: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  sealed: z.looseObject({ secretEnvNames: z.array(z.string()), startupScript: z.boolean() }).optional(),
  readiness: z.looseObject({ kind: z.string(), timeoutSeconds: z.number() }),
  idle: z.looseObject({ silenceTimeoutSeconds: z.number() }),
});

const timeSchema = z.iso.datetime();

const viewSchema = z.looseObject({
  name: z.string(),
  project: z.string(),
  uid: z.string(),
  createdBy: z.string().optional(),
  machineId: z.string(),
  state: z.enum(VM_STATE_NAMES),
  reason: z.enum(END_REASONS).optional(),
  health: z.enum(['ok', 'unknown']),
  provider: z.string(),
  zone: z.string().optional(),
  host: z.string().optional(),
  connections: z.number().optional(),
  template: z.looseObject({ name: z.string() }).optional(),
  aliveBecause: z.string().nullable(),
  nextDeadline: z.looseObject({ at: timeSchema, kind: z.string() }).optional(),
  labels: z.record(z.string(), z.string()),
  createdAt: timeSchema,
  readyAt: timeSchema.optional(),
  endedAt: timeSchema.optional(),
  updatedAt: timeSchema,
});

const memoSchema = z.looseObject({
  view: viewSchema.extend({ spec: z.unknown().optional() }),
  timeline: z.array(z.looseObject({ number: z.number(), at: timeSchema, kind: z.string(), state: z.string() })),
});

/** What a VM last published, put together. */
export interface SeenVm {
  view: VmView;
  timeline: TimelineEntryView[];
}

/** The two memo entries as one, or undefined when they are not what any version of this API can show. */
export function seenVm(vm: unknown, spec: unknown): SeenVm | undefined {
  const memo = memoSchema.safeParse(vm).data;
  // VMs that were started before the spec had an entry of its own have it in their view.
  const whole = specSchema.safeParse(memo?.view.spec ?? spec).data;
  if (memo === undefined || whole === undefined) return undefined;
  return { view: { ...memo.view, spec: whole }, timeline: memo.timeline } as unknown as SeenVm;
}

/** The view that a workflow answered with, or undefined when it is not what this API can show. */
export function seenView(answer: unknown): VmView | undefined {
  const view = viewSchema.extend({ spec: specSchema }).safeParse(answer).data;
  return view as unknown as VmView | undefined;
}

export interface MemoParts {
  project: string;
  name: string;
  spec: VmSpec;
  /** Id of the API key. */
  createdBy?: string;
  specHash: string;
  /** Null or absent for a request that names no template. */
  requestHash?: string | null;
  idempotencyKeyHash: string | null;
}

type InitialParts = Pick<MemoParts, 'project' | 'name' | 'spec' | 'createdBy'>;

/** What lists show before the workflow has run its first task; the run and the machine are not known yet. */
export function initialView(start: InitialParts, at: number): VmView {
  return vmView(initialVm(start, at), at);
}

/** The memo that a VM starts with. `at` in epoch ms. */
export function startMemo(start: MemoParts, at: number): Record<string, unknown> {
  return {
    [MEMO.vm]: { ...vmMemo(initialVm(start, at), at), timeline: [] },
    [MEMO.spec]: start.spec,
    [MEMO.specHash]: start.specHash,
    ...(typeof start.requestHash !== 'string' ? {} : { [MEMO.requestHash]: start.requestHash }),
    ...(start.idempotencyKeyHash === null ? {} : { [MEMO.idempotencyKeyHash]: start.idempotencyKeyHash }),
  };
}

function initialVm({ project, name, spec, createdBy }: InitialParts, at: number) {
  return newVm({ project, name, spec, createdBy, uid: '', machineId: '', at });
}
