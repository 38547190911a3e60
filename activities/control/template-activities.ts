/** What the workflows of templates ask of control workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolTemplate } from '../../domain/pool/state.ts';
import type { TemplateActivities } from '../../domain/template/activities.ts';
import type { RollOrder } from '../../domain/template/state.ts';
import type { RollOverOrder, VmStateName } from '../../domain/vm/state.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { Activity } from '../activity-context.ts';
import { runAsActivity } from '../run-activity.ts';

/** Tells a pool of its template, and starts it where it is not there. */
export type PoolMessages = (project: string, template: PoolTemplate) => Promise<void>;

/** A VM of a template, as its workflow last published it. */
export interface TemplateVm {
  workflowId: string;
  /** The life of the name that is meant. */
  uid?: string;
  state: VmStateName;
  /** Of the template. */
  version: number;
  /** Its version was named: it makes room for no other. */
  isPinned: boolean;
  /** The version that it makes room for already. */
  newerVersion?: number;
}

/** VMs of templates as Temporal knows them. */
export interface TemplateVms {
  /** Those of this deployment that run, page after page. */
  of: (project: string, template: string) => AsyncIterable<TemplateVm>;
  /** One that has ended ignores it. */
  tell: (vm: Pick<TemplateVm, 'workflowId' | 'uid'>, order: RollOverOrder) => Promise<void>;
}

export interface TemplateDependencies {
  configure: PoolMessages;
  vms: TemplateVms;
  /** Between two looks for VMs, in ms. */
  lookMs?: number;
}

/** So many looks: a replica of the API may have made a VM of a version before a moment ago, and lists follow a moment later. */
const LOOKS = 2;
const LOOK_MS = 10_000;
/** VMs are told in batches of a list that is read on meanwhile, and so many of them at once. */
const BATCH = 200;
const CONCURRENCY = 20;
/** So many that cannot be told have that from Temporal, and not from what is the matter with each. */
const MOST_UNTOLD = 20;

export function createTemplateActivities(dependencies: TemplateDependencies): TemplateActivities {
  return {
    configurePool: runAsActivity(({ project, template }: { project: string; template: PoolTemplate }) =>
      dependencies.configure(project, template),
    ),
    rollOverVms: runAsActivity((input: RollOver, context) => rollOverVms(dependencies, input, context)),
  };
}

interface RollOver {
  project: string;
  template: string;
  order: RollOrder;
}

/**
 * Repeated from the start by a retry: a VM that knows ignores it. One that cannot be told keeps no other from hearing of it.
 * Rejects in the end with why it could not.
 */
export const rollOverVms: Activity<Pick<TemplateDependencies, 'vms' | 'lookMs'>, RollOver, void> = async (
  { vms, lookMs = LOOK_MS },
  { project, template, order },
  { signal },
) => {
  const { below, reach, revision } = order;
  const told = new Set<string>();
  const untold = new Map<string, unknown>();
  for (let look = 1; ; look += 1) {
    for await (const batch of inBatches(vms.of(project, template), BATCH)) {
      await inParallel(batch, CONCURRENCY, async (vm) => {
        const key = `${vm.workflowId} ${vm.uid ?? ''}`;
        signal.throwIfAborted();
        if (told.has(key) || !isMeant(vm, { below, reach })) return;
        try {
          await vms.tell(vm, { below, revision });
        } catch (error) {
          if (untold.set(key, error).size >= MOST_UNTOLD) throw error;
          return;
        }
        told.add(key);
        untold.delete(key);
      });
    }
    if (look === LOOKS) break;
    await sleep(lookMs, undefined, { signal });
  }
  for (const error of untold.values()) throw error;
};

/** The VM decides; what can be seen to be none of its business costs its history nothing. */
function isMeant(
  { state, version, isPinned, newerVersion }: TemplateVm,
  { below, reach }: Pick<RollOrder, 'below' | 'reach'>,
): boolean {
  if (version >= reach || isPinned || newerVersion === below) return false;
  return state !== 'stopped' && state !== 'suspended';
}

async function* inBatches<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
