/**
 * The workflow of a family of images: the durable home of what is kept of a name that was closed, beyond every life of that
 * name and Temporal's retention of it. It waits for updates alone; `next` in domain/image decides what each means.
 */
import { allHandlersFinished, condition } from '@temporalio/workflow';
import { isOver } from '../../domain/image/next.ts';
import { newFamily } from '../../domain/image/state.ts';
import { imageFamilyView, type ImageFamilyView } from '../../domain/image/view.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import type { ImageFamilyInput } from '../messages.ts';
import { deleteWhatGoes } from './deleting.ts';
import { FamilyRecord } from './family-record.ts';
import { handleMessages } from './handlers.ts';
import { publishEachChange } from '../publish-changes.ts';
import { publish } from './publishing.ts';

/** An image kept and deleted is about fifteen events. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runImageFamily(input: ImageFamilyInput): Promise<ImageFamilyView> {
  const { project, family } = input;
  const record = new FamilyRecord(input.resume ?? newFamily({ project, family, at: Date.now() }));
  handleMessages(record);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  const isDone = (): boolean => isOver(record.family);
  await Promise.race([
    condition(() => isDone() || isHistoryFull(limit)),
    publishEachChange(record, publish),
    deleteWhatGoes(record),
  ]);
  await condition(allHandlersFinished);
  if (!record.published) publish(record);
  if (isDone()) return imageFamilyView(record.family);
  return continueInFreshHistory<typeof runImageFamily>({ ...input, resume: record.family });
}
