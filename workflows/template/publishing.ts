import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { templateDetails } from '../../domain/template/current-details.ts';
import { templateView } from '../../domain/template/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { TemplateRecord } from './template-record.ts';

/** Shows the template as it is now. */
export function publish(record: TemplateRecord): void {
  record.shown = record.template;
  const view = templateView(record.template);
  upsertSearchAttributes([{ key: SEARCH_KEY.updatedAt, value: new Date(record.template.updatedAt) }]);
  upsertMemo({ [MEMO.template]: view });
  setCurrentDetails(templateDetails(view));
}
