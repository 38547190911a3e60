import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { imageFamilyDetails, imageFamilyView } from '../../domain/image/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { FamilyRecord } from './family-record.ts';

/** Shows the family as it is now. */
export function publish(record: FamilyRecord): void {
  record.shown = record.family;
  const view = imageFamilyView(record.family);
  upsertSearchAttributes([
    { key: SEARCH_KEY.project, value: view.project },
    { key: SEARCH_KEY.updatedAt, value: new Date(record.family.updatedAt) },
  ]);
  upsertMemo({ [MEMO.image]: view });
  setCurrentDetails(imageFamilyDetails(view));
}
