import { describe, expect, it } from 'vitest';
import {
  EVENT_KINDS,
  eventOf,
  eventsAfter,
  eventsSince,
  isWanted,
  withAbruptEnd,
  type OutboxLife,
} from '../../../domain/outbox/event.ts';
import { positionIn, positionText } from '../../../domain/outbox/position.ts';
import type { TimelineEntryView } from '../../../domain/vm/view.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 10, 30, 6, 0, second)).toISOString();

function entries(from: number, to: number): TimelineEntryView[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    ...{ number: from + index, at: at(from + index), kind: 'connections', state: 'running' },
  }));
}

function life(timeline: readonly TimelineEntryView[], more: Partial<OutboxLife> = {}): OutboxLife {
  return { project: 'default', vm: 'lobby', uid: 'life-1', template: 'chat', closed: false, timeline, ...more };
}

const numbers = ({ events }: { events: { number: number }[] }): number[] => events.map(({ number }) => number);

describe('an event', () => {
  it('is one entry of a timeline, under an id that is the same everywhere', () => {
    const entry = { number: 7, at: at(1), kind: 'state', state: 'destroyed', reason: 'idle' } as const;
    expect(eventOf(life([]), entry)).toEqual({
      ...{ id: 'life-1.7', number: 7, kind: 'vm.destroyed', at: at(1), vm: 'lobby', uid: 'life-1', template: 'chat' },
      ...{ state: 'destroyed', reason: 'idle' },
    });
  });

  it('of another kind than the state says so, with the count', () => {
    const [first] = entries(4, 4);
    const entry = { ...first!, detail: '2 connections', connections: 2 };
    expect(eventOf(life([]), entry)).toMatchObject({ kind: 'vm.connections', state: 'running', connections: 2 });
  });

  it('has one of the kinds that are documented', () => {
    expect(new Set(EVENT_KINDS).size).toBe(EVENT_KINDS.length);
    expect(EVENT_KINDS).toContain('vm.running');
    expect(EVENT_KINDS).toContain('vm.hold');
    expect(EVENT_KINDS).not.toContain('vm.state');
  });
});

describe('a workflow that was terminated', () => {
  it('is told as failed, by the next number, whoever reads it', () => {
    const told = withAbruptEnd(entries(1, 3), { at: at(9), detail: 'terminated' });
    expect(told.at(-1)).toEqual({ number: 4, at: at(9), kind: 'state', state: 'failed', detail: 'terminated' });
  });

  it('that had told its end itself is told no other', () => {
    const ended: TimelineEntryView[] = [...entries(1, 2), { number: 3, at: at(3), kind: 'state', state: 'destroyed' }];
    expect(withAbruptEnd(ended, { at: at(9) })).toEqual(ended);
  });

  it('before its first task is told too', () => {
    expect(withAbruptEnd([], { at: at(9) })).toEqual([{ number: 1, at: at(9), kind: 'state', state: 'failed' }]);
  });
});

describe('a reader', () => {
  it('that knows the number it had last gets each later one', () => {
    expect(eventsAfter(life(entries(1, 5)), 3)).toMatchObject({ events: [{ number: 4 }, { number: 5 }] });
    expect(numbers(eventsAfter(life(entries(1, 5)), 5))).toEqual([]);
  });

  it('is told which numbers are lost where more came than is kept', () => {
    const missed = eventsAfter(life(entries(11, 30)), 4);
    expect(missed.gap).toEqual({ vm: 'lobby', uid: 'life-1', template: 'chat', from: 5, to: 10 });
    expect(numbers(missed)).toHaveLength(20);
  });

  it('that knows a moment gets what came after it, and hears of a gap only where there may be one', () => {
    expect(numbers(eventsSince(life(entries(1, 5)), Date.parse(at(3))))).toEqual([4, 5]);
    expect(eventsSince(life(entries(1, 5)), 0).gap).toBeUndefined();
    expect(eventsSince(life(entries(11, 30)), Date.parse(at(11))).gap).toBeUndefined();
    expect(eventsSince(life(entries(11, 30)), Date.parse(at(10))).gap).toEqual({
      ...{ vm: 'lobby', uid: 'life-1', template: 'chat', to: 10 },
    });
  });
});

describe('a filter', () => {
  const event = eventOf(life([]), { number: 1, at: at(1), kind: 'state', state: 'running' });
  const gap = { vm: 'lobby', uid: 'life-1', template: 'chat', to: 3 };

  it('picks by name, template and kind', () => {
    expect(isWanted({}, event)).toBe(true);
    expect(isWanted({ vm: 'lobby', template: 'chat', kinds: ['vm.running', 'vm.failed'] }, event)).toBe(true);
    expect(isWanted({ vm: 'other' }, event)).toBe(false);
    expect(isWanted({ template: 'other' }, event)).toBe(false);
    expect(isWanted({ kinds: ['vm.failed'] }, event)).toBe(false);
  });

  it('of kinds lets every gap through, which may hide one of them', () => {
    expect(isWanted({ kinds: ['vm.failed'] }, gap)).toBe(true);
    expect(isWanted({ vm: 'other' }, gap)).toBe(false);
  });
});

describe('a position', () => {
  it('survives being written and read', () => {
    const position = { watermarkMs: Date.parse(at(1)), numbering: 'a1b2c3d4', sequence: 123_456 };
    expect(positionIn(positionText(position))).toEqual(position);
  });

  it.each(['', '1.2', 'x', '1.a1b2c3d4.', '1.a1b2c3d4.2.3', '1.A1B2C3D4.2', `${'1'.repeat(11)}.a1b2c3d4.1`])(
    'is not read from %j',
    (text) => expect(positionIn(text)).toBeUndefined(),
  );
});
