import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentReport } from '../../../domain/agent/protocol.ts';
import { FORWARDING } from '../../../domain/agent/report-forwarding.ts';
import { MEMO } from '../../../domain/wire-names.ts';
import { adoptionPlan } from '../../../worker/links/agent-links.ts';
import { linkedVm, type LinkedVm } from '../../../worker/temporal/published-vm.ts';
import { MAX_REPORTS_PER_SECOND, ReportIntake } from '../../../worker/links/report-intake.ts';
import { ReportForwarder } from '../../../worker/links/report-forwarder.ts';
import { SignalQueue, type QueuedState } from '../../../worker/links/signal-queue.ts';
import type { SignalOutcome } from '../../../worker/links/vm-signals.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const line = (sequence: number, more: Partial<AgentReport> = {}): string =>
  JSON.stringify({ type: 'report', sequence, connections: sequence, ready: true, ...more });

describe('the intake of reports', () => {
  const intakeOf = (awaited: string[] = []): { intake: ReportIntake; seen: number[] } => {
    const seen: number[] = [];
    const intake = new ReportIntake({
      onReport: ({ sequence }) => seen.push(sequence),
      awaitedIds: () => awaited,
    });
    return { intake, seen };
  };

  it('looks at so many a second, and then at the latest of the rest', () => {
    const { intake, seen } = intakeOf();
    for (let sequence = 1; sequence <= 10_000; sequence++) intake.take(line(sequence));
    expect(seen).toHaveLength(MAX_REPORTS_PER_SECOND);
    vi.advanceTimersByTime(1000);
    expect(seen).toHaveLength(MAX_REPORTS_PER_SECOND + 1);
    expect(seen.at(-1)).toBe(10_000);
    vi.advanceTimersByTime(5000);
    expect(seen).toHaveLength(MAX_REPORTS_PER_SECOND + 1);
  });

  it('looks at an answer we wait for whatever the rate', () => {
    const { intake, seen } = intakeOf(['the-question']);
    for (let sequence = 1; sequence <= 200; sequence++) intake.take(line(sequence));
    intake.take(line(777, { answers: 'the-question' }));
    expect(seen.at(-1)).toBe(777);
  });

  it('ignores nonsense', () => {
    const { intake, seen } = intakeOf();
    for (const text of ['', '{', 'null', '[]', '{"type":"report"}', line(1).replace('true', '"yes"')])
      intake.take(text);
    expect(seen).toEqual([]);
  });
});

describe('the queue of signals', () => {
  const state = (sequence: number, connections: number): QueuedState => ({ sequence, connections, receivedAt: 0 });
  const queueOf = (
    send: (state: QueuedState) => Promise<SignalOutcome>,
  ): { queue: SignalQueue; failures: unknown[]; notFound: () => number } => {
    const failures: unknown[] = [];
    let notFound = 0;
    const queue = new SignalQueue({
      send,
      onNotFound: () => (notFound += 1),
      onFailure: (error) => failures.push(error),
    });
    return { queue, failures, notFound: () => notFound };
  };

  it('delivers in order', async () => {
    const sent: number[] = [];
    const { queue } = queueOf(({ sequence }) => {
      sent.push(sequence);
      return Promise.resolve('delivered');
    });
    queue.add(state(1, 0));
    queue.add(state(2, 1));
    queue.add(state(3, 0));
    await queue.settled();
    expect(sent).toEqual([1, 2, 3]);
  });

  it('keeps of an outage the latest state and the latest of the other side of 0', async () => {
    vi.useRealTimers();
    let isUp = false;
    const sent: QueuedState[] = [];
    const { queue, failures } = queueOf((one) => {
      if (!isUp) return Promise.reject(new Error('down'));
      sent.push(one);
      return Promise.resolve('delivered');
    });
    queue.add(state(1, 1));
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0));
    for (const [index, connections] of [5, 0, 2, 3, 0, 4, 6, 0, 0].entries()) queue.add(state(index + 2, connections));
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(2));
    isUp = true;
    await queue.settled();
    expect(sent.map(({ sequence }) => sequence)).toEqual([8, 10]);
  });

  it('stops for good when the workflow is closed', async () => {
    const { queue, notFound } = queueOf(() => Promise.resolve('notFound'));
    queue.add(state(1, 0));
    queue.add(state(2, 1));
    await queue.settled();
    queue.add(state(3, 0));
    await queue.settled();
    expect(notFound()).toBe(1);
  });
});

describe('the forwarder', () => {
  const forwarderOf = (): { forwarder: ReportForwarder; sent: number[]; asked: () => number } => {
    const sent: number[] = [];
    let asked = 0;
    const forwarder = new ReportForwarder({
      send: ({ sequence }) => {
        sent.push(sequence);
        return Promise.resolve('delivered');
      },
      askAgent: () => (asked += 1),
      onNotFound: () => undefined,
      onFailure: () => undefined,
    });
    return { forwarder, sent, asked: () => asked };
  };
  const report = (sequence: number, connections: number): AgentReport => ({
    type: 'report',
    sequence,
    connections,
    ready: true,
  });

  it('holds everything back until it begins, then sends the latest state', async () => {
    const { forwarder, sent } = forwarderOf();
    forwarder.take(report(1, 0), Date.now());
    forwarder.take(report(2, 5), Date.now());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
    forwarder.begin(300, null, Date.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([2]);
    forwarder.stop();
  });

  it('tells little of a guest that goes to and fro as fast as it can, and in the end how it is', async () => {
    const { forwarder, sent } = forwarderOf();
    forwarder.begin(300, null, Date.now());
    for (let sequence = 1; sequence <= 3000; sequence++) {
      forwarder.take(report(sequence, sequence % 2), Date.now());
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(sent.length).toBeLessThan(2 * (FORWARDING.edgeBucketSize + 2) + 3);
    await vi.advanceTimersByTimeAsync(FORWARDING.edgeRefillMs);
    expect(sent.at(-1)).toBe(3000);
    forwarder.stop();
  });

  it('does not send again what the workflow got in another way', async () => {
    const { forwarder, sent } = forwarderOf();
    forwarder.take(report(1, 0), Date.now());
    forwarder.begin(300, { sequence: 1, connections: 0 }, Date.now());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
    forwarder.stop();
  });

  it('sends a change of the count after a second of calm', async () => {
    const { forwarder, sent } = forwarderOf();
    forwarder.begin(300, { sequence: 1, connections: 3 }, Date.now());
    forwarder.take(report(2, 4), Date.now());
    await vi.advanceTimersByTimeAsync(900);
    forwarder.take(report(3, 5), Date.now());
    await vi.advanceTimersByTimeAsync(900);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([3]);
    forwarder.stop();
  });

  it('asks an agent that has nothing new when the sign of life is due, and does not hurry', async () => {
    const { forwarder, sent, asked } = forwarderOf();
    forwarder.take(report(1, 0), Date.now());
    forwarder.begin(20, null, Date.now());
    await vi.advanceTimersByTimeAsync(9900);
    expect(asked()).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked()).toBe(1);
    forwarder.take(report(2, 0), Date.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBeLessThan(40);
    forwarder.stop();
  });

  it('ignores a report that is older than one it has', async () => {
    const { forwarder, sent } = forwarderOf();
    forwarder.begin(300, { sequence: 5, connections: 1 }, Date.now());
    forwarder.take(report(6, 0), Date.now());
    forwarder.take(report(4, 9), Date.now());
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([6]);
    forwarder.stop();
  });
});

describe('what to do with a machine that is found', () => {
  const memo = (state: string, machineId = 'm-1', kind = 'agent'): LinkedVm | null => {
    const spec = { readiness: { kind }, idle: { silenceTimeoutSeconds: 7 } };
    return linkedVm({ [MEMO.vm]: { view: { state, machineId } }, [MEMO.spec]: spec }) ?? null;
  };

  it.each([
    ['creating', { action: 'hold', silenceTimeoutSeconds: 7 }],
    ['booting', { action: 'forward', silenceTimeoutSeconds: 7, onlyReady: true }],
    ['running', { action: 'forward', silenceTimeoutSeconds: 7, onlyReady: false }],
    ['draining', { action: 'forward', silenceTimeoutSeconds: 7, onlyReady: false }],
    ['destroying', { action: 'close' }],
    ['destroyed', { action: 'close' }],
    ['failed', { action: 'close' }],
  ])('when its VM is %s', (state, plan) => {
    expect(adoptionPlan(memo(state), 'm-1')).toMatchObject(plan);
  });

  it('is nothing when the VM has another machine or does not run', () => {
    expect(adoptionPlan(memo('running', 'm-2'), 'm-1')).toMatchObject({ action: 'close' });
    expect(adoptionPlan('notFound', 'm-1')).toMatchObject({ action: 'close' });
  });

  it('is to wait and ask again when its VM says nothing yet, or nothing that can be read', () => {
    expect(adoptionPlan(null, 'm-1')).toEqual({ action: 'retryAfter' });
    expect(adoptionPlan(memo('creating', ''), 'm-1')).toEqual({ action: 'retryAfter' });
    const view = { state: 'running', machineId: 'm-1', spec: { readiness: { kind: 'agent' }, idle: {} } };
    const damaged = [
      view,
      { ...view, spec: undefined },
      { ...view, state: 'dreaming' },
      { ...view, machineId: 7 },
      null,
    ];
    for (const one of damaged) {
      expect(adoptionPlan(linkedVm({ [MEMO.vm]: { view: one } }) ?? null, 'm-1')).toEqual({ action: 'retryAfter' });
    }
    for (const nothing of [undefined, {}, { [MEMO.vm]: 'x' }]) expect(linkedVm(nothing)).toBeUndefined();
  });

  it('is the same whether its VM has the spec beside its view or, as VMs of before, in it', () => {
    const spec = { readiness: { kind: 'agent' }, idle: { silenceTimeoutSeconds: 7 }, sealed: {} };
    const view = { state: 'booting', machineId: 'm-1' };
    const before = linkedVm({ [MEMO.vm]: { view: { ...view, spec } } });
    expect(before).toMatchObject({ silenceTimeoutSeconds: 7, readyByAgent: true, isSealed: true });
    expect(linkedVm({ [MEMO.vm]: { view }, [MEMO.spec]: spec })).toEqual(before);
  });

  it('is to forward at once while it boots when its readiness is not the agent’s word', () => {
    expect(adoptionPlan(memo('booting', 'm-1', 'http'), 'm-1')).toMatchObject({ action: 'forward', onlyReady: false });
  });
});
