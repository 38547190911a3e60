import { describe, expect, it } from 'vitest';
import { aliveBecause, shownDeadline } from '../../../../domain/vm/deadlines.ts';
import { vmView } from '../../../../domain/vm/view.ts';
import { countLeaseOf } from '../../../../domain/agent/usage.ts';
import { Life, START } from '../../../../test-support/vm/vm-life.ts';

const noAgent = { readiness: { kind: 'tcp', port: 80 } } as const;
const by = (name: string, seconds = 60) => ({ lease: { by: name, seconds } });

describe('a count that holds for a limited time', () => {
  it('keeps a VM while it is said again, and no longer', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 2, ...by('a') });
    expect(aliveBecause(life.vm, START + 500_000)).toBe('connections');
    life.at(550, 'connections', { connections: 2, ...by('a') });
    expect(life.until(709).state).toBe('running');
    expect(life.until(710).reason).toBe('idle');
  });

  it('makes nobody force a stop when it is over, also where nothing ends the VM', () => {
    const stays = { ...noAgent, idle: { action: 'none' } } as const;
    const life = Life.ready(stays).at(500, 'connections', { connections: 2, ...by('a') });
    life.at(510, 'stopRequested', {});
    expect([life.vm.state.name, vmView(life.vm, START + 510_000).connections]).toEqual(['running', 2]);
    life.at(600, 'stopRequested', {});
    expect([life.vm.state.name, vmView(life.vm, START + 600_000).connections]).toEqual(['stopping', undefined]);
  });

  it('shows people no end while somebody is there', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 1, ...by('a') });
    expect(shownDeadline(life.vm)?.kind).toBe('maxLifetime');
  });

  it('starts the idle timer when the last one leaves', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 1, ...by('a') });
    life.at(510, 'connections', { connections: 0, ...by('a') });
    expect(life.due).toEqual(['idle', 610]);
  });

  it('stands beside those of others: one that sees nobody ends nothing that another serves', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 3, ...by('a') });
    life.at(510, 'connections', { connections: 1, ...by('b') });
    expect(life.serving.usage?.connections).toBe(4);
    life.at(520, 'connections', { connections: 0, ...by('b') });
    expect(life.serving.usage?.connections).toBe(3);
    expect(life.until(659).state).toBe('running');
  });

  it('is over when its time is, though others go on', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 3, ...by('a', 10) });
    life.at(520, 'connections', { connections: 1, ...by('b') });
    expect(life.serving.usage?.connections).toBe(1);
  });

  it('adds to what a person typed, and takes nothing from it', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 5 });
    life.at(510, 'connections', { connections: 1, ...by('a') });
    expect(life.serving.usage?.connections).toBe(6);
    life.at(520, 'connections', { connections: 0, ...by('a') });
    expect([life.serving.usage?.connections, life.due]).toEqual([5, ['maxLifetime', 10_000]]);
    life.at(530, 'connections', { connections: 1, ...by('a') }).at(540, 'connections', { connections: 0 });
    expect(life.serving.usage?.connections).toBe(1);
  });

  it('changes nothing where an agent counts, and is forgotten when one begins to', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 });
    const before = life.vm;
    life.at(30, 'connections', { connections: 7, ...by('a') });
    expect(life.vm.state).toEqual(before.state);
    const late = Life.ready(noAgent).at(500, 'connections', { connections: 7, ...by('a') });
    late.at(510, 'report', { sequence: 1, connections: 0 });
    expect(late.serving.usage).toMatchObject({ source: 'agent', connections: 0 });
    expect(late.serving.usage).not.toHaveProperty('leases');
    // The agent was never asked to wait for what a gateway had said.
    expect(late.due).toEqual(['idle', 610]);
  });

  it('is one of few: who sends ever new names takes no memory', () => {
    const life = Life.ready(noAgent);
    for (let one = 0; one < 30; one += 1) life.at(500, 'connections', { connections: 1, ...by(`g-${one}`) });
    expect(life.serving.usage?.connections).toBe(20);
  });

  it('is none with a lease that nobody could have meant', () => {
    expect(countLeaseOf({ by: 'gateway-1', seconds: 60 })).toEqual({ by: 'gateway-1', seconds: 60 });
    for (const wrong of [
      null,
      'a',
      {},
      { by: 'a' },
      { by: '', seconds: 1 },
      { by: 'a', seconds: 0 },
      { by: 'a b', seconds: 1 },
    ]) {
      expect(countLeaseOf(wrong)).toBeUndefined();
    }
    expect(countLeaseOf({ by: 'a', seconds: 3601 })).toBeUndefined();
  });
});
