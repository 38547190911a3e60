import { condition, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { currentDetails } from '../domain/current-details.ts';
import { vmMemo } from '../domain/vm-view.ts';
import { MEMO, SEARCH_ATTRIBUTE } from '../domain/wire-names.ts';
import type { VmLife } from './vm-life.ts';

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);
const HOST = defineSearchAttributeKey(SEARCH_ATTRIBUTE.host.name, SearchAttributeType.KEYWORD);
const MACHINE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.machine.name, SearchAttributeType.KEYWORD);
const UPDATED_AT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.updatedAt.name, SearchAttributeType.DATETIME);

/** Shows every change of the VM to lists, events and the Web UI: once per workflow task, however much happened. */
export async function publishChanges(life: VmLife): Promise<void> {
  for (;;) {
    await condition(() => !isPublished(life));
    publish(life);
    if (life.ended) return;
  }
}

/** Whether everybody can see all that has happened. */
export function isPublished(life: VmLife): boolean {
  return life.published === life.vm.nextEntryNumber;
}

/** Shows the VM as it is now. */
export function publish(life: VmLife): void {
  life.published = life.vm.nextEntryNumber;
  const { state, machineId, updatedAt } = life.vm;
  const host = 'machine' in state ? state.machine?.host : null;
  const attributes: SearchAttributePair[] = [
    { key: STATE, value: state.name },
    { key: MACHINE, value: machineId },
    { key: UPDATED_AT, value: new Date(updatedAt) },
    ...(host ? [{ key: HOST, value: host }] : []),
  ];
  upsertSearchAttributes(attributes);
  const memo = vmMemo(life.vm, Date.now());
  // A VM goes on in the form in which it was started: who started it may be of before, and reads no other.
  const hasSpec = MEMO.spec in (workflowInfo().memo ?? {});
  upsertMemo({ [MEMO.vm]: hasSpec ? memo : { ...memo, view: { ...memo.view, spec: life.vm.spec } } });
  setCurrentDetails(currentDetails(life.vm, Date.now()));
}
