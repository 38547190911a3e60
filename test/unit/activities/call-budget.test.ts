import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallThrottled, pacedProvider } from '../../../activities/paced-provider.ts';
import { asActivityFailure } from '../../../activities/error-mapping.ts';
import { callWaitText, type CallPurpose, type CallRate } from '../../../domain/capacity/call-budget.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import { CallBudget, type CallRequest } from '../../../providers/call-budget.ts';
import { callRateOf } from '../../../providers/lookup.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const RATE: CallRate = { callsPerSecond: 10, burst: 20, reservedForDestroys: 0.25 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A budget whose admitted operations are noted with their time, in ms since the start. */
function watched(rate: Partial<CallRate> = {}, mostWaiting?: number) {
  const budget = new CallBudget({
    rate: { ...RATE, ...rate },
    ...(mostWaiting === undefined ? {} : { mostWaiting }),
  });
  const begun = Date.now();
  const admitted: { name: string; atMs: number }[] = [];
  const ask = (name: string, purpose: CallPurpose, changes: Partial<CallRequest> = {}, signal = never) =>
    budget.admit({ purpose, askedAt: Date.now(), patienceMs: 3_600_000, ...changes }, signal).then((answer) => {
      if (answer.kind === 'admitted') admitted.push({ name, atMs: Date.now() - begun });
      return answer;
    });
  const names = (prefix: string): string[] =>
    admitted.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name);
  return { budget, admitted, ask, names };
}

describe('the calls to a provider', () => {
  it('stay within the burst and the calls a second, however many are asked for at once', async () => {
    const { admitted, ask } = watched({}, 1000);
    for (let index = 0; index < 300; index += 1) void ask(`create ${index}`, 'starting');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(admitted).toHaveLength(300);
    for (const { atMs } of admitted) {
      const inWindow = admitted.filter((other) => other.atMs >= atMs && other.atMs < atMs + 5000).length;
      expect(inWindow).toBeLessThanOrEqual(20 + 5 * 10 + 1);
    }
    expect(admitted.at(-1)?.atMs).toBeGreaterThan(27_000);
    expect(admitted.at(-1)?.atMs).toBeLessThan(33_000);
  });

  it('keep the last part of the burst for destroys', async () => {
    const { ask, names } = watched();
    for (let index = 0; index < 100; index += 1) void ask(`create ${index}`, 'starting');
    await vi.advanceTimersByTimeAsync(0);
    expect(names('create')).toHaveLength(15);
    for (let index = 0; index < 5; index += 1) void ask(`destroy ${index}`, 'destroy');
    await vi.advanceTimersByTimeAsync(0);
    expect(names('destroy')).toHaveLength(5);
    expect(names('create')).toHaveLength(15);
  });

  it('serve destroys first, then what has begun, then creates, each in the order of asking', async () => {
    const { admitted, ask } = watched({ burst: 4, reservedForDestroys: 0 });
    for (let index = 0; index < 4; index += 1) void ask(`first ${index}`, 'starting');
    for (let index = 0; index < 5; index += 1) {
      void ask(`create ${index}`, 'starting');
      void ask(`probe ${index}`, 'ongoing');
      void ask(`destroy ${index}`, 'destroy');
    }
    await vi.advanceTimersByTimeAsync(5000);
    const order = (kind: string): string[] => [0, 1, 2, 3, 4].map((index) => `${kind} ${index}`);
    expect(admitted.slice(4).map(({ name }) => name)).toEqual([
      ...order('destroy'),
      ...order('probe'),
      ...order('create'),
    ]);
  });

  it('begin again where a bucket that ran empty has filled up, and never with more than the burst', async () => {
    const { ask, names } = watched();
    for (let index = 0; index < 15; index += 1) void ask(`early ${index}`, 'starting');
    await vi.advanceTimersByTimeAsync(3_600_000);
    for (let index = 0; index < 40; index += 1) void ask(`late ${index}`, 'starting');
    await vi.advanceTimersByTimeAsync(0);
    expect(names('late')).toHaveLength(15);
  });

  it('are given back by who was cancelled while waiting, and nobody else waits longer', async () => {
    const { budget, ask, names } = watched({ burst: 4, reservedForDestroys: 0 });
    for (let index = 0; index < 4; index += 1) void ask(`first ${index}`, 'starting');
    const cancel = new AbortController();
    const gaveUp = ask('cancelled', 'starting', {}, cancel.signal);
    void ask('next', 'starting');
    const reason = new Error('the VM was destroyed');
    cancel.abort(reason);
    await expect(gaveUp).rejects.toBe(reason);
    expect(budget.waiting().starting).toBe(1);
    await vi.advanceTimersByTimeAsync(110);
    expect(names('next')).toHaveLength(1);
  });

  it('say why they wait, and are refused with a time to come back when their patience ends', async () => {
    const { ask } = watched({ burst: 4, reservedForDestroys: 0 });
    for (let index = 0; index < 54; index += 1) void ask(`first ${index}`, 'starting');
    const heard: string[] = [];
    const refused = ask('late', 'starting', { patienceMs: 2050, onWait: (why) => heard.push(why) });
    await vi.advanceTimersByTimeAsync(2050);
    expect(heard).toEqual([callWaitText(RATE, 50)]);
    const answer = await refused;
    expect(answer).toMatchObject({
      kind: 'refused',
      message: "waiting for the provider's call budget of 10 calls a second; 30 wait before it",
    });
    if (answer.kind !== 'refused') throw new Error('it was admitted');
    expect(answer.retryAfterMs).toBeGreaterThanOrEqual(1800);
    expect(answer.retryAfterMs).toBeLessThanOrEqual(2700);
  });

  it('keep their place by the time of their first asking, also when they come back', async () => {
    const { admitted, ask } = watched({ burst: 4, reservedForDestroys: 0 });
    for (let index = 0; index < 4; index += 1) void ask(`first ${index}`, 'starting');
    const askedAt = Date.now();
    expect((await Promise.all([ask('a', 'starting', { patienceMs: 1 }), vi.advanceTimersByTimeAsync(1)]))[0]).toEqual(
      expect.objectContaining({ kind: 'refused' }),
    );
    void ask('b', 'starting');
    void ask('c', 'starting');
    void ask('a', 'starting', { askedAt });
    await vi.advanceTimersByTimeAsync(1000);
    expect(admitted.slice(4).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('wait here only so many at a time: who asked last is sent away and comes again', async () => {
    const { budget, ask } = watched({ burst: 4, reservedForDestroys: 0 }, 10);
    for (let index = 0; index < 4; index += 1) void ask(`first ${index}`, 'starting');
    const early = Date.now();
    await vi.advanceTimersByTimeAsync(1);
    for (let index = 0; index < 9; index += 1) void ask(`create ${index}`, 'starting');
    const last = ask('last', 'starting');
    void ask('earlier', 'starting', { askedAt: early });
    expect(await last).toMatchObject({ kind: 'refused' });
    expect(budget.waiting().starting).toBe(10);
  });

  it('are paid once where the provider takes its calls itself', async () => {
    const budget = new CallBudget({ rate: { ...RATE, burst: 4, reservedForDestroys: 0 }, providerTakesCalls: true });
    let requests = 0;
    for (let index = 0; index < 4; index += 1) {
      await budget.admit({ purpose: 'starting', askedAt: 0, patienceMs: 0 }, never);
      void budget.take('ongoing', never).then(() => (requests += 1));
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toBe(4);
    void budget.take('ongoing', never).then(() => (requests += 1));
    await vi.advanceTimersByTimeAsync(90);
    expect(requests).toBe(4);
    await vi.advanceTimersByTimeAsync(20);
    expect(requests).toBe(5);
  });
});

describe('the rate of a provider', () => {
  it('is what was set, else its default; a burst that was not set shrinks with the rate', () => {
    expect(callRateOf('gcp')).toEqual({ callsPerSecond: 12, burst: 60, reservedForDestroys: 0.25 });
    expect(callRateOf('gcp', { callsPerSecond: 3 })).toMatchObject({ callsPerSecond: 3, burst: 15 });
    expect(callRateOf('gcp', { callsPerSecond: 1 })).toMatchObject({ burst: 5 });
    expect(callRateOf('local', { callsPerSecond: 1 })).toMatchObject({ burst: 4 });
    expect(callRateOf('local', { burst: 7 })).toMatchObject({ callsPerSecond: 500, burst: 7 });
    expect(() => callRateOf('unheard-of')).toThrow('there is no provider unheard-of');
  });
});

describe('a provider within a budget', () => {
  const calls: string[] = [];
  const provider = {
    name: 'local',
    create: (request: { machineId: string }) => Promise.resolve(calls.push(`create ${request.machineId}`)),
    describe: (machineId: string) => Promise.resolve(calls.push(`describe ${machineId}`)),
    destroy: (machineId: string) => Promise.resolve(calls.push(`destroy ${machineId}`)),
    power: { stop: (machineId: string) => Promise.resolve(calls.push(`stop ${machineId}`)) },
  } as unknown as MachineProvider;
  const within = (budget: CallBudget, patienceMs: number): MachineProvider =>
    pacedProvider(provider, budget, () => ({ purpose: 'ongoing', askedAt: 1, patienceMs }));

  it('waits for a turn before each operation, its power control included, and gives the last turns to destroys', async () => {
    const budget = new CallBudget({ rate: { callsPerSecond: 1, burst: 4, reservedForDestroys: 0.5 } });
    const paced = within(budget, 10);
    expect(paced.name).toBe('local');
    await paced.describe('m-1', { signal: never });
    await paced.power?.stop('m-1', { signal: never });
    const refused = paced.describe('m-2', { signal: never }).catch((error: unknown) => error);
    await paced.destroy('m-1', { signal: never });
    await vi.advanceTimersByTimeAsync(10);
    expect(calls).toEqual(['describe m-1', 'stop m-1', 'destroy m-1']);
    const error = await refused;
    expect(error).toBeInstanceOf(CallThrottled);
    expect(asActivityFailure(error)).toMatchObject({
      type: 'rateLimited',
      nonRetryable: false,
      nextRetryDelay: (error as CallThrottled).retryAfterMs,
    });
  });
});
