/**
 * The workflow of a template: the durable home of its versions. It waits for signals alone, so a template that nobody
 * changes costs nothing; `next` in domain/template decides what each means.
 */
import { allHandlersFinished, condition } from '@temporalio/workflow';
import { poolWish } from '../../domain/template/pool-wish.ts';
import { newTemplate } from '../../domain/template/state.ts';
import { templateView, type TemplateView } from '../../domain/template/view.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import type { TemplateInput } from '../messages.ts';
import { handleMessages } from './handlers.ts';
import { tellPool } from './pool.ts';
import { rollVms } from './roll.ts';
import { publishEachChange } from '../publish-changes.ts';
import { publish } from './publishing.ts';
import { TemplateRecord } from './template-record.ts';

/** Each put and each create of a version on trial is about five events. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runTemplate(input: TemplateInput): Promise<TemplateView> {
  const { project, name, firstVersion = 1 } = input;
  const record = new TemplateRecord(input.resume ?? newTemplate({ project, name, firstVersion, at: Date.now() }));
  handleMessages(record);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  const isOver = (): boolean => record.template.deleted && poolWish(record.template) === undefined;
  await Promise.race([
    condition(() => isOver() || isHistoryFull(limit)),
    publishEachChange(record, publish),
    tellPool(record),
    rollVms(record),
  ]);
  await condition(allHandlersFinished);
  if (!record.published) publish(record);
  if (isOver()) return templateView(record.template);
  return continueInFreshHistory<typeof runTemplate>({ ...input, resume: record.template });
}
