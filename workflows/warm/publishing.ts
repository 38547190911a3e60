import { condition, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { isWarmOver, type Warm } from '../../domain/pool/handover.ts';
import type { VmStateName } from '../../domain/vm/state.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { WarmLife } from './life.ts';

/**
 * A warm machine says of itself what a VM says, so that its host, sweeps and links know it as they know those of VMs. To
 * them it boots as long as it waits: it must be there, and its agent reports to nobody.
 */
const SHOWN_AS: Record<Warm['name'], VmStateName> = {
  creating: 'creating',
  booting: 'booting',
  ready: 'booting',
  granted: 'booting',
  offered: 'booting',
  destroying: 'destroying',
  gone: 'destroyed',
  handedOver: 'destroyed',
};

/** Shows every change of the machine to its host and the Web UI. */
export async function publishChanges(life: WarmLife): Promise<void> {
  for (;;) {
    const { warm, machineId } = life;
    const { name } = warm;
    const host = hostOf(warm);
    upsertSearchAttributes([
      { key: SEARCH_KEY.state, value: name },
      { key: SEARCH_KEY.machine, value: machineId },
      ...(host ? [{ key: SEARCH_KEY.host, value: host }] : []),
    ]);
    const uid = workflowInfo().firstExecutionRunId;
    upsertMemo({ [MEMO.vm]: { view: { machineId, uid, state: SHOWN_AS[name] }, timeline: [] } });
    setCurrentDetails(`**${machineId}** of the pool \`${life.input.pool}\` is \`${name}\``);
    if (isWarmOver(warm)) return;
    // One that ends while it is made hears of its host later.
    await condition(() => life.warm.name !== name || hostOf(life.warm) !== host);
  }
}

function hostOf(warm: Warm): string | null {
  return 'machine' in warm ? (warm.machine?.host ?? null) : null;
}
