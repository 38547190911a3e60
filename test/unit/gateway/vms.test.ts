import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Vm } from '../../../client/api-client.ts';
import { Refused, refusal } from '../../../gateway/refusal.ts';
import { ConnectionCounts } from '../../../gateway/vms/connection-counts.ts';
import { VmLookup } from '../../../gateway/vms/vm-lookup.ts';
import { passageTo } from '../../../gateway/vms/vm-state.ts';
import { Wakes } from '../../../gateway/vms/wakes.ts';

const log = { info: vi.fn(), warn: vi.fn() };
const PORTS = [{ name: 'http', port: 8080, protocol: 'tcp' }];

function vm(more: object = {}): Vm {
  const spec = { ports: PORTS, readiness: { kind: 'tcp' } };
  const address = { ip: '127.0.3.7', ports: PORTS };
  return { project: 'default', name: 'lobby', uid: 'u', state: 'running', address, spec, ...more } as unknown as Vm;
}

const passage = (more: object, port = 8080): unknown => {
  try {
    return passageTo(vm(more), port);
  } catch (error) {
    return error instanceof Refused ? error.refusal.code : error;
  }
};

describe('the way to a VM', () => {
  it('is its own address while it runs, and only to ports of its spec', () => {
    const open = { kind: 'open', address: { ip: '127.0.3.7', port: 8080 } };
    expect([passage({}), passage({ state: 'draining' })]).toEqual([open, open]);
    expect(passage({}, 22)).toBe('unknownPort');
    expect(passage({ spec: { ports: [{ name: 'game', port: 8080, protocol: 'udp' }] } })).toBe('unknownPort');
  });

  it('begins with a start of what is stopped, and with a reopen of what was closed', () => {
    for (const state of [
      'creating',
      'booting',
      'stopping',
      'stopped',
      'suspending',
      'suspended',
      'resuming',
      'starting',
    ]) {
      expect([state, passage({ state })]).toEqual([state, { kind: 'wake', how: 'start' }]);
    }
    expect(passage({ state: 'destroyed', reason: 'closed' })).toEqual({ kind: 'wake', how: 'reopen' });
    expect(passage({ state: 'stopped' }, 22)).toBe('unknownPort');
  });

  it('leads nowhere once it ended, and waits while that is open', () => {
    expect(passage({ state: 'destroyed', reason: 'idle' })).toBe('unknownVm');
    expect(passage({ state: 'failed', reason: 'lost' })).toBe('unknownVm');
    expect(passage({ state: 'destroying' })).toEqual({ kind: 'leaving' });
    expect(passage({ state: 'imaging', pendingImage: { closes: true } })).toEqual({ kind: 'leaving' });
  });
});

describe('many visitors of one VM', () => {
  it('cost one look a second', async () => {
    let now = 0;
    const calls = { vm: vi.fn(() => Promise.resolve(vm())) };
    const lookup = new VmLookup(calls, () => now);
    await Promise.all([1, 2, 3].map(() => lookup.find('default', 'lobby')));
    expect(calls.vm).toHaveBeenCalledTimes(1);
    now = 1001;
    await lookup.find('default', 'lobby');
    lookup.forget('default', 'lobby');
    await lookup.find('default', 'lobby');
    expect(calls.vm).toHaveBeenCalledTimes(3);
  });

  it('wake it once, and a failed wake is told to all and not tried again at once', async () => {
    let now = 0;
    let fail: (error: Error) => void = () => undefined;
    const start = vi.fn(() => new Promise<Vm>((_, reject) => (fail = reject)));
    const wakes = new Wakes({ start, reopen: start }, { see: vi.fn(), forget: vi.fn() }, { log, now: () => now });
    const tries = [1, 2, 3].map(() => wakes.wake('default', 'lobby', 'start'));
    fail(new Refused({ ...refusal('apiUnavailable'), code: 'startFailed' }));
    for (const one of tries) await expect(one).rejects.toMatchObject({ refusal: { code: 'startFailed' } });
    await expect(wakes.wake('default', 'lobby', 'start')).rejects.toMatchObject({ refusal: { code: 'startFailed' } });
    expect(start).toHaveBeenCalledTimes(1);
    now = 5001;
    void wakes.wake('default', 'lobby', 'start').catch(() => undefined);
    expect(start).toHaveBeenCalledTimes(2);
    fail(new Error('over'));
  });
});

describe('the count of a gateway', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const counting = (count: (project: string, name: string, body: object) => Promise<Vm | undefined>, maxPerVm = 10) => {
    const calls = { count: vi.fn(count) };
    const counts = new ConnectionCounts({ calls, log, by: 'g', leaseSeconds: 60, maxPerVm });
    const said = () => calls.count.mock.calls.map(([, , body]) => (body as { connections: number }).connections);
    return { counts, said };
  };
  const seen = vm({ countedBy: 'others' });

  it('says the first visitor at once, again while it holds, and the last one’s leaving after a moment', async () => {
    const { counts, said } = counting(() => Promise.resolve(seen));
    const leave = counts.open(vm());
    await vi.advanceTimersByTimeAsync(0);
    expect(said()).toEqual([1]);
    await vi.advanceTimersByTimeAsync(41_000);
    expect(said()).toEqual([1, 1, 1]);
    leave();
    leave();
    counts.open(vm())();
    await vi.advanceTimersByTimeAsync(9000);
    expect(said()).toEqual([1, 1, 1]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(said()).toEqual([1, 1, 1, 0]);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(said()).toEqual([1, 1, 1, 0]);
    await counts.close();
  });

  it('holds for as long as somebody was connected without a break, so that an API that is down for less ends no VM', async () => {
    const leases: number[] = [];
    const { counts } = counting((_project, _name, body) => {
      leases.push((body as { lease: { seconds: number } }).lease.seconds);
      return Promise.resolve(seen);
    });
    const [first, second] = [counts.open(vm()), counts.open(vm())];
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    expect(leases[0]).toBe(60);
    expect(leases.at(-1)).toBeGreaterThan(29 * 60);
    first();
    await vi.advanceTimersByTimeAsync(2 * 3600_000);
    expect(leases.at(-1)).toBe(3600);
    second();
    const third = counts.open(vm());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(leases.at(-1)).toBe(60);
    third();
    await counts.close();
  });

  it('is never said where an agent counts, as the spec or the API tells', async () => {
    const { counts, said } = counting(() => Promise.resolve(vm({ countedBy: 'agent' })));
    counts.open(vm({ uid: 'v', spec: { ports: PORTS, readiness: { kind: 'agent' } } }));
    counts.open(vm({ uid: 'w', countedBy: 'agent' }));
    await vi.advanceTimersByTimeAsync(100_000);
    expect(said()).toEqual([]);
    counts.open(vm());
    await vi.advanceTimersByTimeAsync(100_000);
    expect(said()).toEqual([1]);
    await counts.close();
    expect(said()).toEqual([1]);
  });

  it('is 0 at the end of a gateway, and said again after a failure', async () => {
    let fails = true;
    const { counts, said } = counting(() => (fails ? Promise.reject(new Error('away')) : Promise.resolve(seen)));
    counts.open(vm());
    await vi.advanceTimersByTimeAsync(5000);
    fails = false;
    await vi.advanceTimersByTimeAsync(5000);
    expect(said().length).toBeGreaterThan(1);
    const before = said().length;
    await counts.close();
    expect(said().slice(before)).toEqual([0]);
  });

  it('is said again soon when one try in between fails, so that short outages of the API end no count', async () => {
    let fails = false;
    const { counts, said } = counting(() => (fails ? Promise.reject(new Error('away')) : Promise.resolve(seen)));
    counts.open(vm());
    await vi.advanceTimersByTimeAsync(15_000);
    fails = true;
    await vi.advanceTimersByTimeAsync(6000);
    expect(said()).toEqual([1, 1]);
    fails = false;
    await vi.advanceTimersByTimeAsync(5000);
    expect(said()).toEqual([1, 1, 1]);
    await counts.close();
  });

  it('goes on for those who stay connected while their VM takes none for a time, and ends with the last of them', async () => {
    let takes = true;
    const { counts, said } = counting(() => Promise.resolve(takes ? seen : undefined));
    const leave = counts.open(vm());
    takes = false;
    await vi.advanceTimersByTimeAsync(30_000);
    const refused = said().length;
    takes = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(said().length).toBeGreaterThan(refused);
    takes = false;
    await vi.advanceTimersByTimeAsync(25_000);
    leave();
    await vi.advanceTimersByTimeAsync(30_000);
    const atEnd = said().length;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(said()).toHaveLength(atEnd);
    await counts.close();
  });

  it('stops at as many as one VM may have', async () => {
    const { counts } = counting(() => Promise.resolve(seen), 1);
    const leave = counts.open(vm());
    expect(() => counts.open(vm())).toThrow(Refused);
    leave();
    counts.open(vm());
    await counts.close();
  });
});
