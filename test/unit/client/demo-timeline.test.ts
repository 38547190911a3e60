import { describe, expect, it } from 'vitest';
import type { TimelineEntry } from '../../../client/api-client.ts';
import { timelineTable } from '../../../commands/demo/demo-life.ts';

describe('the timeline of the demo', () => {
  it('is a table with times since the start and reasons', () => {
    const events: TimelineEntry[] = [
      { number: 1, at: '2026-01-01T10:00:00.000Z', kind: 'state', state: 'creating' },
      { number: 2, at: '2026-01-01T10:00:01.500Z', kind: 'connections', state: 'running', detail: '2 connections' },
      { number: 3, at: '2026-01-01T10:00:09.000Z', kind: 'state', state: 'destroyed', reason: 'idle' },
    ];
    expect(timelineTable(events)).toEqual([
      'time (UTC)    since   state      event        reason',
      '10:00:00.000  +0.0 s  creating',
      '10:00:01.500  +1.5 s  running    connections  2 connections',
      '10:00:09.000  +9.0 s  destroyed               idle',
    ]);
  });
});
