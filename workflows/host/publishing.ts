import { condition, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { hostView, type HostView } from '../../domain/host/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import type { HostRecord } from './host-record.ts';

/** Keeps the view in the memo, so that lists ask no workflow; and shows it in the Web UI. */
export async function publishChanges(record: HostRecord): Promise<void> {
  for (;;) {
    const { host } = record;
    const view = hostView(host);
    upsertMemo({ [MEMO.host]: view });
    setCurrentDetails(details(view));
    if (record.removed) return;
    await condition(() => record.host !== host);
  }
}

function details({ hostId, state, since, lostAt, version, providers, zone }: HostView): string {
  return [
    `**${hostId}** is \`${state}\` since ${since}`,
    ...(lostAt === null ? [] : [`Its machines count as lost at ${lostAt} unless it returns`]),
    `Ephemera ${version}, providers: ${providers.join(', ')}${zone === null ? '' : `, zone ${zone}`}`,
  ].join('\n\n');
}
