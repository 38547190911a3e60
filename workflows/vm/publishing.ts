import { condition, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { currentDetails } from '../../domain/vm/current-details.ts';
import { vmMemo } from '../../domain/vm/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { VmLife } from './life.ts';

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
  const { state, machineId, updatedAt, replacements } = life.vm;
  const host = 'machine' in state ? state.machine?.host : null;
  const attributes: SearchAttributeUpdatePair[] = [
    { key: SEARCH_KEY.state, value: state.name },
    { key: SEARCH_KEY.machine, value: machineId },
    { key: SEARCH_KEY.updatedAt, value: new Date(updatedAt) },
    ...(host ? [{ key: SEARCH_KEY.host, value: host }] : []),
    // One that waits for another machine is on no host: what is asked or said of the last one does not concern it.
    ...(state.name === 'creating' && replacements > 0 ? [{ key: SEARCH_KEY.host, value: null }] : []),
  ];
  upsertSearchAttributes(attributes);
  const memo = vmMemo(life.vm, Date.now());
  // A VM goes on in the form in which it was started: who started it may be of before, and reads no other.
  const hasSpec = MEMO.spec in (workflowInfo().memo ?? {});
  upsertMemo({ [MEMO.vm]: hasSpec ? memo : { ...memo, view: { ...memo.view, spec: life.vm.spec } } });
  setCurrentDetails(currentDetails(life.vm, Date.now()));
}
