import { describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../../domain/timeouts.ts';
import { CreateGate } from '../../../worker/host/create-gate.ts';

const LEASE = TIMEOUTS.leaseHeartbeatSeconds;

function gateAt(start: number) {
  const clock = { now: start };
  return { gate: new CreateGate(() => clock.now), clock };
}

describe('a host takes creates', () => {
  it('only once its lease is confirmed and nobody has cordoned it', () => {
    const { gate, clock } = gateAt(100);
    gate.resume();
    expect(gate.isOpen).toBe(false);
    gate.renewed(clock.now);
    expect(gate.isOpen).toBe(true);
    gate.pause();
    expect(gate.isOpen).toBe(false);
  });

  it('no longer than its lease is fresh: after a pause it takes none before Temporal has answered again', () => {
    const { gate, clock } = gateAt(100);
    gate.resume();
    gate.renewed(clock.now);
    clock.now += LEASE - 0.1;
    expect(gate.isOpen).toBe(true);
    clock.now += 0.1;
    expect(gate.isOpen).toBe(false);
    gate.renewed(clock.now);
    expect(gate.isOpen).toBe(true);
  });

  it('and not while it rests, because its disk is full: the first heartbeat after that lets it go on', async () => {
    const { gate, clock } = gateAt(100);
    gate.resume();
    gate.renewed(clock.now);
    gate.rest(5);
    expect(gate.isOpen).toBe(false);
    const open = gate.whenOpen(new AbortController().signal);
    clock.now += 4;
    gate.renewed(clock.now);
    expect(gate.isOpen).toBe(false);
    clock.now += 2;
    gate.renewed(clock.now);
    await open;
    expect(gate.isOpen).toBe(true);
  });

  it('and who waits for that is woken by what opens the gate, whichever comes last', async () => {
    const { gate, clock } = gateAt(100);
    const { signal } = new AbortController();
    const first = gate.whenOpen(signal);
    gate.renewed(clock.now);
    gate.resume();
    await first;
    clock.now += LEASE;
    const second = gate.whenOpen(signal);
    gate.renewed(clock.now);
    await second;
  });

  it('and who gives up waiting leaves with the reason', async () => {
    const { gate } = gateAt(100);
    const asked = new AbortController();
    const waiting = gate.whenOpen(asked.signal);
    asked.abort(new Error('the worker ends'));
    await expect(waiting).rejects.toThrow('the worker ends');
    await expect(gate.whenOpen(asked.signal)).rejects.toThrow('the worker ends');
  });
});
