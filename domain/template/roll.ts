/** What the VMs of a template are to be told of its versions, where it has `rollIdle` (decision 0072). */
import { servingVersion, type RollOrder, type Template, type TemplateVersion } from './state.ts';

/**
 * Undefined where they know. An order that was begun is given until it is done; the next one reaches all that may have heard of
 * it. One that is deleted leaves its VMs alone.
 */
export function rollWish(template: Template): RollOrder | undefined {
  const { roll, deleted, updatedAt } = template;
  if (deleted) return undefined;
  const below = belowOf(template);
  if (below === (roll?.below ?? 0)) {
    return roll === undefined || roll.isDone ? undefined : { below, reach: roll.reach, revision: roll.revision };
  }
  const reached = roll === undefined ? 0 : roll.isDone ? roll.below : roll.reach;
  // Grows beyond what an earlier template of the name said, too.
  const revision = Math.max(updatedAt, (roll?.revision ?? 0) + 1);
  return { below, reach: Math.max(below, reached), revision };
}

/** VMs of versions below make room. A version that nobody has seen work takes nobody's place yet. */
function belowOf({ versions, roll }: Template): number {
  const serving = servingVersion(versions);
  // Before version 1 there was none.
  if (serving?.rollIdle !== true || serving.version === 1) return 0;
  return hasWorked(serving) ? serving.version : Math.min(roll?.below ?? 0, serving.version);
}

/** A VM of it was ready, or the pool has replaced machines of before by some of it. */
function hasWorked({ trial, firstWarm }: TemplateVersion): boolean {
  return trial.name === 'good' || firstWarm === true;
}
