import { describe, expect, it } from 'vitest';
import { MEMO_TIMELINE_LIMIT, TIMELINE_LIMIT } from '../../../../domain/vm/state.ts';
import { timelineView, vmMemo, vmView, type VmView } from '../../../../domain/vm/view.ts';
import { START, Life } from '../../../../test-support/vm/vm-life.ts';

const iso = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const seen = (life: Life, seconds: number): VmView => vmView(life.vm, START + seconds * 1000);
const busy = (): Life => Life.ready().at(20, 'report', { sequence: 2, connections: 2 });

describe('the view of a VM', () => {
  it('of one in use says where it is, who is in and why it lives', () => {
    const life = busy();
    expect(seen(life, 30)).toStrictEqual({
      name: 'lobby',
      project: 'default',
      uid: 'u-1',
      machineId: 'm-current',
      startedFrom: 'new',
      state: 'running',
      health: 'ok',
      provider: 'local',
      host: 'host-1',
      address: { ip: '127.0.3.7', ports: [{ name: 'http', port: 8080, protocol: 'tcp' }] },
      connections: 2,
      countedBy: 'agent',
      aliveBecause: 'connections',
      nextDeadline: { at: iso(10_000), kind: 'maxLifetime' },
      labels: {},
      createdAt: iso(0),
      readyAt: iso(10),
      updatedAt: iso(20),
      spec: life.vm.spec,
    });
  });

  it('of one that is being made has no address, no count and no health to doubt', () => {
    const view = seen(new Life(), 1);
    expect(view).toMatchObject({ state: 'creating', health: 'ok', aliveBecause: 'starting' });
    for (const absent of ['address', 'connections', 'readyAt', 'reason', 'host', 'template']) {
      expect(view).not.toHaveProperty(absent);
    }
  });

  it('names template and zone where there are some', () => {
    const life = new Life({ template: { name: 'chat', version: 1 }, labels: { team: 'red' } });
    life.at(1, 'machineCreated', { machine: { ...busy().serving.machine, zone: 'z-1' } });
    expect(seen(life, 2)).toMatchObject({
      template: { name: 'chat', version: 1 },
      zone: 'z-1',
      labels: { team: 'red' },
    });
  });

  it('does not count connections that nobody counted', () => {
    const life = Life.ready({ readiness: { kind: 'tcp' } });
    expect(seen(life, 20)).not.toHaveProperty('connections');
    expect(seen(life.at(30, 'connections'), 31).connections).toBe(0);
  });

  it('of a silent one says unknown, and keeps the last count', () => {
    const view = seen(busy().until(320), 321);
    expect(view).toMatchObject({ state: 'running', health: 'unknown', connections: 2, aliveBecause: 'unknown' });
  });

  it('shows a hold as long as it lasts', () => {
    const life = Life.ready().at(20, 'hold', { seconds: 60 });
    expect(seen(life, 30).holdUntil).toBe(iso(80));
    expect(seen(life, 80)).not.toHaveProperty('holdUntil');
  });

  it('of one that ends says why, and promises no deadline', () => {
    const life = busy().at(30, 'machineLost');
    const ending = { reason: 'lost', detail: 'the machine is gone', aliveBecause: null, readyAt: iso(10) };
    expect(seen(life, 31)).toMatchObject({ state: 'destroying', ...ending });
    const ended = seen(life.at(40, 'machineGone'), 41);
    expect(ended).toMatchObject({ state: 'failed', ...ending, updatedAt: iso(40), endedAt: iso(40) });
    expect(seen(busy(), 31)).not.toHaveProperty('endedAt');
    expect(ended).not.toHaveProperty('nextDeadline');
    expect(ended).not.toHaveProperty('address');
  });
});

describe('the timeline', () => {
  const eventful = (): Life => {
    const life = Life.ready();
    for (let count = 1; count <= 2 * TIMELINE_LIMIT; count += 1) {
      life.at(10 + count, 'report', { sequence: count + 1, connections: count });
    }
    return life;
  };

  it('tells a life in numbered lines with their times', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 }).at(30, 'destroyRequested');
    expect(timelineView(life.vm)).toStrictEqual([
      { number: 1, at: iso(0), kind: 'state', state: 'creating' },
      { number: 2, at: iso(1), kind: 'state', state: 'booting' },
      { number: 3, at: iso(10), kind: 'state', state: 'running' },
      { number: 4, at: iso(20), kind: 'connections', state: 'running', detail: '1 connection', connections: 1 },
      { number: 5, at: iso(30), kind: 'state', state: 'destroying', reason: 'requested' },
    ]);
  });

  it('keeps its last lines, numbered as before', () => {
    const numbers = timelineView(eventful().vm).map(({ number }) => number);
    expect(numbers).toHaveLength(TIMELINE_LIMIT);
    expect(numbers.at(-1)).toBe(3 + 2 * TIMELINE_LIMIT);
  });

  it('is in the memo with its newest lines only, beside the view', () => {
    const { vm } = eventful();
    const memo = vmMemo(vm, START);
    expect(memo.view, 'the spec is published once, beside it').not.toHaveProperty('spec');
    expect({ ...memo.view, spec: vm.spec }).toStrictEqual(vmView(vm, START));
    expect(memo.timeline).toStrictEqual(timelineView(vm).slice(-MEMO_TIMELINE_LIMIT));
  });
});
