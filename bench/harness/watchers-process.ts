/** A child process of the bench of watchers: many streams of live events, and when each of them had each change. */
import { Agent } from 'node:http';
import type { OutboxEvent } from '../../domain/outbox/event.ts';
import { readEvents, type EventReader } from '../../test-support/events/event-reader.ts';

export type WatchersOrder = { kind: 'open'; url: string; key: string; watchers: number } | { kind: 'tell' };

/** Of one event: how many streams had it, and when the last of them did, epoch ms. */
export interface WatchedEvent {
  id: string;
  vm: string;
  connections: number | undefined;
  streams: number;
  lastAt: number;
}

export type WatchersAnswer = { open: number } | { events: WatchedEvent[]; cut: number };

const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const events = new Map<string, WatchedEvent>();
const readers: EventReader[] = [];
let cut = 0;

process.on('message', (order: WatchersOrder) => {
  void answer(order).then((said) => process.send?.(said));
});
process.on('disconnect', () => process.exit(0));

async function answer(order: WatchersOrder): Promise<WatchersAnswer> {
  if (order.kind === 'tell') return { events: [...events.values()], cut };
  for (let index = 0; index < order.watchers; index += 1) {
    const reader = await readEvents(order, {
      agent,
      onBlock: ({ type, data, readAt }) => {
        if (type === 'vm') note(data as OutboxEvent, readAt);
      },
    });
    void reader.ended.then(() => (cut += 1));
    readers.push(reader);
  }
  return { open: readers.filter(({ status }) => status === 200).length };
}

function note({ id, vm, connections }: OutboxEvent, readAt: number): void {
  const known = events.get(id) ?? { id, vm, connections, streams: 0, lastAt: 0 };
  known.streams += 1;
  known.lastAt = Math.max(known.lastAt, readAt);
  events.set(id, known);
}
