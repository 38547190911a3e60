import { describe, expect, it } from 'vitest';
import { windowFor } from '../../../../domain/agent/streams/limits.ts';
import {
  creditDue,
  nextStream,
  OPENING,
  type StreamEvent,
  type StreamState,
} from '../../../../domain/agent/streams/stream-state.ts';

const opening: StreamState = { phase: 'opening', ...OPENING, allowance: 100 };
const open: StreamState = { phase: 'open', credit: 50, allowance: 100, unread: 10, sentEnd: false, gotEnd: false };
const STATES = {
  opening,
  open,
  'half closed here': { ...open, sentEnd: true },
  'half closed there': { ...open, gotEnd: true },
  resetting: { ...open, phase: 'resetting' },
  closed: { ...open, phase: 'closed' },
} satisfies Record<string, StreamState>;
type StateName = keyof typeof STATES;
const NAMES = Object.keys(STATES) as StateName[];

/** What an event changes in each state; `refused` where no honest end does it. States that are not named refuse it. */
const TABLE: [StreamEvent, Partial<Record<StateName, Partial<StreamState> | 'refused'>>][] = [
  [
    { type: 'opened', window: 70 },
    { opening: { phase: 'open', credit: 70 }, resetting: {} },
  ],
  [
    { type: 'sent', bytes: 50 },
    { open: { credit: 0 }, 'half closed there': { credit: 0 } },
  ],
  [{ type: 'sent', bytes: 51 }, {}],
  [
    { type: 'got', bytes: 100 },
    {
      open: { allowance: 0, unread: 110 },
      'half closed here': { allowance: 0, unread: 110 },
      resetting: { allowance: 0 },
    },
  ],
  [{ type: 'got', bytes: 101 }, {}],
  [
    { type: 'consumed', bytes: 10 },
    { open: { unread: 0 }, 'half closed here': { unread: 0 }, 'half closed there': { unread: 0 }, resetting: {} },
  ],
  [{ type: 'consumed', bytes: 11 }, { resetting: {} }],
  [
    { type: 'gotCredit', bytes: 5 },
    { open: { credit: 55 }, 'half closed here': { credit: 55 }, 'half closed there': { credit: 55 }, resetting: {} },
  ],
  [{ type: 'gotCredit', bytes: 16 * 1024 * 1024 }, { resetting: {} }],
  [{ type: 'sentEnd' }, { open: { sentEnd: true }, 'half closed there': { sentEnd: true, phase: 'closed' } }],
  [
    { type: 'gotEnd' },
    { open: { gotEnd: true }, 'half closed here': { gotEnd: true, phase: 'closed' }, resetting: { gotEnd: true } },
  ],
  [
    { type: 'sentReset' },
    {
      ...{ opening: { phase: 'resetting' }, open: { phase: 'resetting' } },
      ...{ 'half closed here': { phase: 'resetting' }, 'half closed there': { phase: 'resetting' } },
    },
  ],
  [
    { type: 'gotReset' },
    {
      ...{ opening: { phase: 'closed' }, open: { phase: 'closed' }, resetting: { phase: 'closed' } },
      ...{ 'half closed here': { phase: 'closed' }, 'half closed there': { phase: 'closed' } },
    },
  ],
];

describe('a stream, in every state and with every event', () => {
  it.each(TABLE)('%o', (event, expected) => {
    for (const name of NAMES) {
      const state: StreamState = STATES[name];
      const change = expected[name] ?? 'refused';
      const next = nextStream(state, event);
      if (change === 'refused') expect(next, name).toBeUndefined();
      else expect(next, name).toEqual({ ...state, ...change });
    }
  });

  it('a stream whose end crossed with our reset is closed when both have said that they end', () => {
    const reset: StreamState = { ...open, phase: 'resetting', sentEnd: true };
    expect(nextStream(reset, { type: 'gotEnd' })).toMatchObject({ phase: 'closed' });
  });

  it('credit is given in good parts, and never lets more than the window be unread or under way', () => {
    expect(creditDue({ ...open, allowance: 90, unread: 0 }, 100)).toBe(0);
    expect(creditDue({ ...open, allowance: 70, unread: 5 }, 100)).toBe(25);
    expect(creditDue({ ...open, allowance: 0, unread: 100 }, 100)).toBe(0);
    // The window has become smaller since, with more streams.
    expect(creditDue({ ...open, allowance: 70, unread: 50 }, 100)).toBe(0);
    expect(creditDue({ ...open, allowance: 0, unread: 0, gotEnd: true }, 100)).toBe(0);
  });

  it('streams share what a link holds: few have much, many little', () => {
    expect(windowFor(1)).toBe(512 * 1024);
    expect(windowFor(16)).toBe(256 * 1024);
    expect(100 * windowFor(100)).toBeLessThanOrEqual(5 * 1024 * 1024);
  });
});
