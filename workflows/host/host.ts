/**
 * The workflow of a host: it holds the host's lease, and decides when its machines are lost.
 *
 * The lease is one activity on the host's own queue that never ends: its heartbeats are no events, so a healthy host costs
 * none. Everything that happens becomes an event, `next` in domain/host decides what it means, and the presence decides
 * what this workflow waits for.
 */
import { allHandlersFinished, condition, sleep } from '@temporalio/workflow';
import { newHost } from '../../domain/host/state.ts';
import { hostView, type HostView } from '../../domain/host/view.ts';
import type { HostInput } from '../messages.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import { evictsWarmMachines } from '../patches.ts';
import { runWhile } from '../run-while.ts';
import { holdLease, registryActivities } from './host-activities.ts';
import { handleMessages } from './handlers.ts';
import { HostRecord } from './host-record.ts';
import { publishChanges } from './publishing.ts';

/** A host that restarts once a day stays in one run for about two months. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runHost(input: HostInput): Promise<HostView> {
  const record = new HostRecord(input.resume ?? newHost(input.hostId, Date.now()));
  handleMessages(record, input.leastLostSeconds);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  const background = Promise.all([drainWhenAsked(record), evictWhenCordoned(record), publishChanges(record)]);
  for (;;) {
    await waitThrough(record);
    if (record.removed) break;
    if (isHistoryFull(limit)) await continueAsNew(input, record);
  }
  await background;
  await condition(allHandlersFinished);
  return hostView(record.host);
}

/** Does what the host's presence asks for, until that or the lease is another. */
async function waitThrough(record: HostRecord): Promise<void> {
  const { presence, lease } = record.host;
  const isSame = (): boolean => record.host.presence === presence && record.host.lease === lease;
  switch (presence.name) {
    case 'present':
      await runWhile(isSame, async () => {
        const status = await holdLease(record.host);
        record.record({ kind: 'leaseEnded', lease, status });
      });
      return;
    case 'away':
      await runWhile(isSame, async () => {
        await sleep(Math.max(1, presence.deadlineAt - Date.now()), {
          summary: presence.stage === 'waiting' ? 'The host may return' : 'Last call: then its machines count as lost',
        });
        record.record({ kind: 'deadline' });
      });
      return;
    case 'lost':
      // A host that returns meanwhile waits until nobody calls its machines lost any more.
      if (!presence.released) {
        await runWhile(isSame, async () => {
          await registryActivities.releaseMachines({ hostId: record.host.hostId, lostAt: presence.since });
          record.record({ kind: 'released' });
        });
      } else await condition(() => !isSame());
      return;
    case 'removed':
      return;
  }
}

async function drainWhenAsked(record: HostRecord): Promise<void> {
  const isAsked = (): boolean => record.host.drain === 'pending' && !record.removed;
  for (;;) {
    await condition(() => isAsked() || record.removed);
    if (record.removed) return;
    await runWhile(isAsked, async () => {
      await registryActivities.drainHost({ hostId: record.host.hostId });
      record.record({ kind: 'drained' });
    });
  }
}

/** Machines that wait in pools are no use on a host that takes no creates; a drain has them go with the rest. */
async function evictWhenCordoned(record: HostRecord): Promise<void> {
  const isAsked = (): boolean => record.host.wish === 'cordon' && !record.removed;
  for (;;) {
    await condition(() => isAsked() || record.removed);
    if (record.removed || !evictsWarmMachines()) return;
    await runWhile(isAsked, () => registryActivities.evictWarmMachines({ hostId: record.host.hostId }));
    await condition(() => !isAsked());
  }
}

/** The activities of this run end with it: the host notices and gets its lease from the next run. */
async function continueAsNew(input: HostInput, { host }: HostRecord): Promise<never> {
  await condition(allHandlersFinished);
  return continueInFreshHistory<typeof runHost>({ ...input, resume: host });
}
