import { describe, expect, it } from 'vitest';
import { mayExchange, type Warm } from '../../../../domain/pool/handover.ts';

const machine = { machineId: 'm-1', provider: 'gcp', host: null, zone: 'z', address: null };
const to = { workflowId: 'vm/default/lobby', runId: 'run' };

const STATES: [Warm, boolean][] = [
  [{ name: 'creating' }, true],
  [{ name: 'booting', machine }, true],
  [{ name: 'ready', machine, until: 1 }, true],
  [{ name: 'granted', machine, request: 'r', until: 1 }, true],
  [{ name: 'offered', machine, to, hostLost: false }, true],
  [{ name: 'destroying', machine, why: 'retired' }, false],
  [{ name: 'gone', why: 'retired' }, false],
  [{ name: 'handedOver', to }, false],
];

describe('the agent of a machine that waits', () => {
  it.each(STATES)('may prove itself or not: %j', (warm, may) => {
    expect(mayExchange(warm, null, { nonce: 'a' })).toBe(may);
    expect(mayExchange(warm, 'a', { nonce: 'a' })).toBe(may);
  });

  it.each(STATES)('is the first one that did, never another one: %j', (warm) => {
    expect(mayExchange(warm, 'a', { nonce: 'b' })).toBe(false);
  });

  it.each(STATES)('that its cloud names by an id is the one whose machine has that: %j', (warm, may) => {
    const known = 'machine' in warm ? { ...warm, machine: { ...machine, instanceId: 'i-1' } } : warm;
    expect(mayExchange(known as Warm, null, { nonce: 'a', instanceId: 'i-1' })).toBe(may && 'machine' in warm);
    expect(mayExchange(known as Warm, null, { nonce: 'a', instanceId: 'i-2' })).toBe(false);
    expect(mayExchange(warm, null, { nonce: 'a', instanceId: 'i-1' })).toBe(false);
  });
});
