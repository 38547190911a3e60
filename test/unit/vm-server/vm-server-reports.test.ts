import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppUsage, type UsageChange } from '../../../vm-server/agent/counting/app-usage.ts';
import { ReportPacer } from '../../../vm-server/agent/link/report-pacer.ts';
import { backoffMs, refusedBackoffMs, reportDueAt } from '../../../vm-server/agent/link/report-due.ts';
import { reportSequence } from '../../../vm-server/agent/link/report-sequence.ts';

describe('the sequence of reports', () => {
  it('grows by one when reports come faster than the clock', () => {
    const next = reportSequence(() => 1000);
    expect([next(), next(), next()]).toEqual([1000, 1001, 1002]);
  });

  it('never falls when the clock is set back', () => {
    const times = [5000, 10];
    const next = reportSequence(() => times.shift() ?? 10);
    expect([next(), next()]).toEqual([5000, 5001]);
  });

  it('goes on above the last life after a restart', () => {
    const before = reportSequence(() => 1000)();
    expect(reportSequence(() => 2000)()).toBeGreaterThan(before);
  });
});

describe('the usage of an app', () => {
  function changesOf(act: (usage: AppUsage) => void): UsageChange[] {
    const usage = new AppUsage();
    usage.setConnections(0);
    const changes: UsageChange[] = [];
    usage.onChange((change) => changes.push(change));
    act(usage);
    return changes;
  }

  it('is an edge when the first one comes and when the last one leaves', () => {
    expect(changesOf((usage) => [1, 2, 1, 0].forEach((count) => usage.setConnections(count)))).toEqual([
      'edge',
      'change',
      'change',
      'edge',
    ]);
  });

  it('is an edge when the app becomes ready', () => {
    expect(changesOf((usage) => usage.setReady(true))).toEqual(['edge']);
  });

  it('is no change when the same number comes again', () => {
    expect(changesOf((usage) => usage.setConnections(0))).toEqual([]);
  });

  it('is not reported while the count is unknown', () => {
    const usage = new AppUsage();
    expect(usage.reported).toBeNull();
    usage.setConnections(3);
    expect(usage.reported).toEqual({ connections: 3, ready: false });
    usage.setConnections(null);
    expect(usage.reported).toBeNull();
  });
});

describe('the pace of reports over a channel', () => {
  let sent: number[];
  let pacer: ReportPacer;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    sent = [];
    pacer = new ReportPacer(() => sent.push(Date.now() - 1_000_000));
  });
  afterEach(() => {
    pacer.stop();
    vi.useRealTimers();
  });

  it('sends the first change at once and gathers the next ones', () => {
    for (let change = 0; change < 5; change++) pacer.changed('change');
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([0, 100]);
  });

  it('sends each edge at once', () => {
    pacer.changed('edge');
    vi.advanceTimersByTime(10);
    pacer.changed('edge');
    vi.advanceTimersByTime(10);
    pacer.changed('edge');
    expect(sent).toEqual([0, 10, 20]);
  });

  it('sends a sign of life after 20 seconds without a change, again and again', () => {
    pacer.sendNow();
    vi.advanceTimersByTime(40_000);
    expect(sent).toEqual([0, 20_000, 40_000]);
  });

  it('counts an answer as a report', () => {
    pacer.noteSent();
    vi.advanceTimersByTime(19_999);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([20_000]);
  });

  it('sends nothing after its end', () => {
    pacer.changed('change');
    pacer.changed('change');
    pacer.stop();
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual([0]);
  });
});

describe('when a report over HTTP is due', () => {
  const base = { changedAt: 10_000, aliveAt: 60_000 };
  const usage = (connections: number, ready = true) => ({ connections, ready });

  it('is at once before the first one', () => {
    expect(reportDueAt({ ...base, taken: null, current: usage(0) })).toBe(-Infinity);
  });

  it('is at once on an edge', () => {
    expect(reportDueAt({ ...base, taken: usage(0), current: usage(1) })).toBe(-Infinity);
    expect(reportDueAt({ ...base, taken: usage(4), current: usage(0) })).toBe(-Infinity);
    expect(reportDueAt({ ...base, taken: usage(0, false), current: usage(0) })).toBe(-Infinity);
  });

  it('is after a second of calm for another change', () => {
    expect(reportDueAt({ ...base, taken: usage(1), current: usage(2) })).toBe(11_000);
  });

  it('is when the API asked for it when nothing changed, or when there is no calm', () => {
    expect(reportDueAt({ ...base, taken: usage(2), current: usage(2) })).toBe(60_000);
    expect(reportDueAt({ ...base, aliveAt: 10_500, taken: usage(1), current: usage(2) })).toBe(10_500);
  });
});

describe('the pause after failures', () => {
  it('grows from half a second to ten seconds', () => {
    expect(backoffMs(1, 0)).toBe(500);
    expect(backoffMs(1, 1)).toBe(1000);
    expect(backoffMs(3, 1)).toBe(4000);
    expect(backoffMs(50, 1)).toBe(10_000);
  });
});

describe('the pause after refusals', () => {
  it('grows from half a second to a minute, so that an ended machine asks once or twice a minute', () => {
    expect(refusedBackoffMs(1, 0)).toBe(500);
    expect(refusedBackoffMs(1, 1)).toBe(1000);
    expect(refusedBackoffMs(4, 1)).toBe(8000);
    expect([refusedBackoffMs(500, 0), refusedBackoffMs(500, 1)]).toEqual([30_000, 60_000]);
  });
});
