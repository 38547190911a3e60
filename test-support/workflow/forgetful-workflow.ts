/** A VM as code of before lived it: each new run starts with the memo that the API wrote at the very start. */
import {
  condition,
  continueAsNew,
  defineSignal,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { MEMO, SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';

const MACHINE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.machine.name, SearchAttributeType.KEYWORD);
const UPDATED_AT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.updatedAt.name, SearchAttributeType.DATETIME);

export const moveOnSignal = defineSignal('moveOn');
export const endSignal = defineSignal('end');
/** Publishes something else than a VM does. */
export const saySignal = defineSignal<[unknown]>('say');

interface ForgetfulInput {
  /** What it publishes of itself, its life excepted. */
  memo: { view: Record<string, unknown>; timeline: unknown[] };
  since?: string;
}

export async function vm({ memo, since }: ForgetfulInput): Promise<void> {
  let [movesOn, ends] = [false, false];
  setHandler(moveOnSignal, () => {
    movesOn = true;
  });
  setHandler(endSignal, () => {
    ends = true;
  });
  const createdAt = since ?? workflowInfo().startTime.toISOString();
  setHandler(saySignal, (what) => upsertMemo({ [MEMO.vm]: what }));
  const publish = (state: string): void => {
    const at = new Date().toISOString();
    const uid = workflowInfo().firstExecutionRunId;
    upsertSearchAttributes([
      { key: MACHINE, value: String(memo.view['machineId']) },
      { key: UPDATED_AT, value: new Date() },
    ]);
    upsertMemo({ [MEMO.vm]: { ...memo, view: { ...memo.view, uid, state, createdAt, updatedAt: at } } });
  };
  publish('running');
  await condition(() => movesOn || ends);
  if (movesOn) await continueAsNew<typeof vm>({ memo, since: createdAt });
  publish('destroyed');
}
