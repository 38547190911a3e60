import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { poolDetails } from '../../domain/pool/current-details.ts';
import { poolView } from '../../domain/pool/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import type { PoolLife } from './life.ts';

/** Keeps the view in the memo, so that lists ask no workflow; and shows it in the Web UI. */
export function publish(life: PoolLife): void {
  const view = poolView(life.pool, Date.now());
  life.sample(view);
  const text = JSON.stringify(view);
  if (text === life.published) return;
  life.published = text;
  const { template } = life.pool;
  const isNew = template !== null && template.version !== life.publishedVersion;
  life.publishedVersion = template?.version ?? null;
  upsertMemo({ [MEMO.pool]: view, ...(isNew ? { [MEMO.spec]: template.spec } : {}) });
  setCurrentDetails(poolDetails(view));
}
