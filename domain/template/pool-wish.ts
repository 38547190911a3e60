/** What the pool of a template has to be configured with: the version that serves creates, so that a hold-back reaches it too. */
import { orderedText } from '../ordered-json.ts';
import type { PoolTemplate } from '../pool/state.ts';
import { servingVersion, type Template } from './state.ts';

/** Undefined where the pool knows all there is to know, or none is wanted and none was. */
export function poolWish({ name, versions, told, updatedAt }: Template): PoolTemplate | undefined {
  const serving = servingVersion(versions);
  // Grows beyond what an earlier template of the name said, too.
  const revision = Math.max(updatedAt, (told?.revision ?? 0) + 1);
  if (serving?.warm && serving.pool !== undefined) {
    const { version, reuse, warm, rollIdle, pool } = serving;
    const rolls = rollIdle === undefined ? {} : { rollIdle };
    const isSame =
      told?.version === version &&
      told.signature === pool.signature &&
      told.reuse === reuse &&
      told.rollIdle === rollIdle;
    const isKnown = isSame && orderedText(told.warm) === orderedText(warm);
    return isKnown ? undefined : { name, version, revision, reuse, warm, ...rolls, ...pool };
  }
  return told === undefined || told.warm === null ? undefined : { ...told, revision, warm: null };
}
