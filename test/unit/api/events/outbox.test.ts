import { describe, expect, it } from 'vitest';
import { Outbox, type Missed, type MissedItem, type SeenItem } from '../../../../api/events/outbox.ts';
import { normaliseSpec } from '../../../../api/vms/create/normalise-spec.ts';
import type { VmRecord } from '../../../../api/vms/seen/vm-record.ts';
import { positionIn, type StreamPosition } from '../../../../domain/outbox/position.ts';
import { newVm } from '../../../../domain/vm/state.ts';
import { vmView, type TimelineEntryView } from '../../../../domain/vm/view.ts';

const START = Date.parse('2026-11-30T06:00:00Z');
const spec = normaliseSpec({ template: 'chat' }, ['local']);

/** The life `uid` of `lobby`, whose last event is this number; each came a second after the one before. */
function seen(last: number, { uid = 'life-1', project = 'default', closed = false, first = 1 } = {}): VmRecord {
  const view = vmView(newVm({ name: 'lobby', project, uid, machineId: 'm-1', spec, at: START }), START);
  const timeline: TimelineEntryView[] = [];
  for (let number = Math.max(first, last - 19); number <= last; number += 1) {
    const at = new Date(START + number * 1000).toISOString();
    timeline.push({ number, at, kind: 'connections', state: 'running' });
  }
  const endedAt = new Date(START + (last + 1) * 1000).toISOString();
  return {
    ...{ workflowId: `vm/${project}/lobby`, runId: uid, closed, timeline },
    view: closed ? { ...view, endedAt, state: 'failed', detail: 'terminated' } : view,
  };
}

function following(records: VmRecord[] = [], limits = {}): Outbox {
  const outbox = new Outbox(limits);
  records.forEach((record) => outbox.take(record));
  outbox.follow(START - 3_600_000);
  outbox.sawAllUntil(START);
  return outbox;
}

const positionNow = (outbox: Outbox): StreamPosition => positionIn(outbox.position)!;
const told = async (outbox: Outbox, from = 1): Promise<SeenItem[]> => {
  await new Promise<void>((resolve) => {
    const stop = outbox.onTold(() => {
      stop();
      resolve();
    });
  });
  return outbox.told(from) ?? [];
};
const textOf = (items: object[]): string[] =>
  items.map((item) => {
    const { event, gap } = item as { event?: { id: string }; gap?: { from?: number; to: number } };
    return event?.id ?? `gap ${String(gap?.from)}-${String(gap?.to)}`;
  });

function itemsOf(missed: Missed): readonly MissedItem[] {
  if (missed.kind !== 'all') throw new Error(`all that was missed was wanted, and it was: ${JSON.stringify(missed)}`);
  return missed.items;
}

describe('the outbox of a replica', () => {
  it('tells each event once, however often a poll reads it, and nothing of before it began to follow', async () => {
    const outbox = following([seen(2)]);
    for (const last of [2, 4, 3, 4, 5]) outbox.take(seen(last));
    expect(textOf(await told(outbox))).toEqual(['life-1.3', 'life-1.4', 'life-1.5']);
  });

  it('tells the events of a VM in their order, also where its clock was set back', async () => {
    const outbox = following([]);
    const record = seen(3);
    const setBack = record.timeline.map((entry) => ({
      ...entry,
      at: new Date(START - entry.number * 1000).toISOString(),
    }));
    outbox.take({ ...record, timeline: setBack });
    expect(textOf(await told(outbox))).toEqual(['life-1.1', 'life-1.2', 'life-1.3']);
  });

  it('tells the last events of a life that has a successor by now', async () => {
    const outbox = following([seen(2)]);
    outbox.take(seen(1, { uid: 'life-2' }));
    outbox.take(seen(3, { closed: true }));
    expect(textOf(await told(outbox))).toEqual(['life-2.1', 'life-1.3', 'life-1.4']);
  });

  it('says which events of a VM were more than a poll could read', async () => {
    const outbox = following([seen(2)]);
    outbox.take(seen(30));
    const items = textOf(await told(outbox));
    expect(items.slice(0, 2)).toEqual(['gap 3-10', 'life-1.11']);
    expect(items).toHaveLength(21);
  });

  it('takes no VM for new that ended long ago and was forgotten', async () => {
    const outbox = new Outbox();
    outbox.follow(START + 100_000);
    outbox.take(seen(3, { closed: true }));
    outbox.take(seen(1, { uid: 'life-2' }));
    expect(textOf(await told(outbox))).toEqual(['life-2.1']);
  });

  it('keeps no more than its limits, however long it follows', async () => {
    const outbox = following([], { recent: 10, ended: 5 });
    for (let index = 0; index < 100; index += 1) {
      outbox.take(seen(3 + index, { uid: `life-${index}`, first: 1 + index, closed: true }));
      if (index % 10 === 9) await told(outbox);
    }
    expect(outbox.size).toBe(5);
    expect(outbox.told(1)).toBeUndefined();
    expect(outbox.told(outbox.toldUntil - 10)).toHaveLength(10);
    expect(outbox.told(outbox.toldUntil - 60)).toBeUndefined();
  });

  it('finds an event by its number, in its own project alone', () => {
    const outbox = following([seen(3)]);
    expect(outbox.find('default', 'life-1', 2)?.id).toBe('life-1.2');
    expect(outbox.find('other', 'life-1', 2)).toBeUndefined();
    expect(outbox.find('default', 'life-1', 4)).toBeUndefined();
  });

  it('forgets a VM of which Temporal knows nothing any more', () => {
    const outbox = following([seen(3)]);
    outbox.forget((workflowId) => workflowId === 'vm/default/lobby');
    expect(outbox.size).toBe(0);
  });
});

describe('a reader that was cut off', () => {
  it('goes on at the same replica with exactly the next event', async () => {
    const outbox = following([seen(2)]);
    const position = positionNow(outbox);
    outbox.take(seen(4));
    await told(outbox);
    const missed = outbox.missed('default', position);
    expect(missed).toMatchObject({ kind: 'from' });
    expect(textOf(outbox.told((missed as { sequence: number }).sequence) ?? [])).toEqual(['life-1.3', 'life-1.4']);
  });

  it('gets at another replica all that came since everything had been seen', () => {
    const first = following([seen(2)]);
    first.sawAllUntil(START + 2000);
    const other = following([seen(22), seen(4, { project: 'other', uid: 'life-9' })]);
    const missed = other.missed('default', positionNow(first));
    expect(missed.kind).toBe('all');
    const ids = textOf(itemsOf(missed).map(({ told: item }) => item));
    expect(ids).toEqual(['gap undefined-2', ...Array.from({ length: 20 }, (_, index) => `life-1.${index + 3}`)]);
  });

  it('gets the last 20 events of each VM, ended ones too, at a replica that has just started', () => {
    const position = positionNow(following());
    const lives = Array.from({ length: 50 }, (_, index) => seen(20, { uid: `life-${index}`, closed: index % 2 === 0 }));
    const missed = following(lives).missed('default', position);
    expect(itemsOf(missed)).toHaveLength(50 * 20 + 25);
  });

  it('is told to list again where the position is older than what is kept, or too much came', () => {
    const old = { watermarkMs: START - 7_200_000, numbering: 'another1', sequence: 1 };
    expect(following().missed('default', old).kind).toBe('tooOld');
    const outbox = following([seen(20), seen(20, { uid: 'life-2' })], { missed: 30 });
    expect(outbox.missed('default', { ...old, watermarkMs: START }).kind).toBe('tooOld');
  });

  it('shares what it missed with all that stood at the same moment, and with nobody of another project', () => {
    const outbox = following([seen(20)]);
    const position = { watermarkMs: START, numbering: 'another1', sequence: 1 };
    expect(itemsOf(outbox.missed('default', position))).toBe(itemsOf(outbox.missed('default', position)));
    expect(itemsOf(outbox.missed('other', position))).toEqual([]);
  });

  it('gets what came after the list that it shares, too', async () => {
    const outbox = following([seen(2)]);
    const position = { watermarkMs: START, numbering: 'another1', sequence: 1 };
    const first = outbox.missed('default', position);
    outbox.take(seen(3));
    await told(outbox);
    const second = outbox.missed('default', position);
    expect(itemsOf(second)).toBe(itemsOf(first));
    expect(textOf(outbox.told((second as { next: number }).next) ?? [])).toEqual(['life-1.3']);
  });

  it('cannot have list after list made by positions that it makes up, nor keep another project from its own', () => {
    const outbox = following([seen(20), seen(20, { project: 'other', uid: 'life-9' })]);
    const from = (index: number) => ({ watermarkMs: START - index, numbering: 'another1', sequence: 1 });
    const kinds = Array.from({ length: 1000 }, (_, index) => outbox.missed('default', from(index)).kind);
    expect(kinds.filter((kind) => kind === 'all').length).toBeLessThan(10);
    expect(kinds.at(-1)).toBe('tooOld');
    expect(outbox.missed('other', from(1)).kind).toBe('all');
  });
});
