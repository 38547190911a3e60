import { setHandler } from '@temporalio/workflow';
import { createEndedOf, firstWarmOf, isPutTemplate } from '../../domain/template/messages.ts';
import type { TemplateContent } from '../../domain/template/state.ts';
import { templateView, versionContent } from '../../domain/template/view.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import { MessageHandlers } from '../message-handlers.ts';
import {
  createEndedSignal,
  deleteTemplateSignal,
  firstWarmSignal,
  putTemplateSignal,
  templateVersionQuery,
  templateViewQuery,
} from '../messages.ts';
import { rollsIdleVms, versionsAreSpecs } from '../patches.ts';
import type { TemplateRecord } from './template-record.ts';

/** Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(record: TemplateRecord): void {
  const messages = new MessageHandlers();
  messages.onSignal(putTemplateSignal, (put: unknown) => {
    if (isPutTemplate(put)) {
      const onlySpecMakesVersion = versionsAreSpecs();
      record.record({ ...put, content: ofThisHistory(put.content), kind: 'put', onlySpecMakesVersion });
    } else ignoreSignal(putTemplateSignal);
  });
  messages.onSignal(createEndedSignal, (message: unknown) => {
    const ended = createEndedOf(message);
    if (ended !== undefined) record.record({ ...ended, kind: 'createEnded' });
    else ignoreSignal(createEndedSignal);
  });
  messages.onSignal(firstWarmSignal, (message: unknown) => {
    const version = firstWarmOf(message);
    if (version !== undefined) record.record({ kind: 'firstWarm', version });
    else ignoreSignal(firstWarmSignal);
  });
  messages.onSignal(deleteTemplateSignal, () => record.record({ kind: 'deleted' }));
  messages.begin();
  setHandler(templateViewQuery, () => templateView(record.template));
  setHandler(templateVersionQuery, (version: unknown) => versionContent(record.template, version));
}

/** Code of before took such a put too, and told no VM. */
function ofThisHistory({ rollIdle, ...content }: TemplateContent): TemplateContent {
  return rollIdle === true && rollsIdleVms() ? { ...content, rollIdle } : content;
}
