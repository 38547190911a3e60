import { describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../../domain/timeouts.ts';
import { vmView } from '../../../domain/vm/view.ts';
import { Life, START } from '../../../test-support/vm/vm-life.ts';

const LIMIT = TIMEOUTS.forcedDestroySeconds;

describe('a forced end', () => {
  it.each([
    ['creating', () => new Life()],
    ['booting', () => new Life().at(1, 'machineCreated')],
    ['running', () => Life.ready()],
    ['draining', () => Life.ready().at(11, 'drain')],
  ] as const)('of a VM that is %s is a destroy that is tried for a limited time', (_state, before) => {
    const life = before().at(12, 'destroyForced');
    expect([life.state, life.reason]).toEqual(['destroying', 'requested']);
    expect(life.due).toEqual(['forceTimeout', 12 + LIMIT]);
    expect(life.until(12 + LIMIT - 1).state).toBe('destroying');
    expect(life.until(12 + LIMIT).state).toBe('failed');
  });

  it('of a destroy that takes too long already lets go at once', () => {
    const life = Life.ready().at(20, 'destroyRequested').at(500, 'destroyForced');
    expect(life.due).toEqual(['forceTimeout', 500]);
    expect([life.until(500).state, life.reason, life.due]).toEqual(['failed', 'requested', null]);
  });

  it('of a destroy that has just begun gives it the rest of its time', () => {
    const life = Life.ready().at(20, 'destroyRequested').at(25, 'destroyForced');
    expect(life.due).toEqual(['forceTimeout', 20 + LIMIT]);
  });

  it('is an ordinary one when the machine is seen gone in time', () => {
    const life = Life.ready().at(20, 'destroyForced').at(21, 'machineGone');
    expect([life.state, life.reason, life.due]).toEqual(['destroyed', 'requested', null]);
  });

  it('is not put off by asking again, in whatever way', () => {
    const life = Life.ready().at(20, 'destroyForced');
    const { vm } = life;
    for (const again of ['destroyForced', 'destroyRequested', 'cancelled'] as const) {
      expect(life.at(25, again).vm).toBe(vm);
    }
  });

  it('keeps the reason of the end that was under way', () => {
    const life = Life.ready().at(20, 'cancelled').at(100, 'destroyForced').until(100);
    expect([life.state, life.reason]).toEqual(['failed', 'cancelled']);
  });

  it('ends a VM whose lost machine would be replaced', () => {
    const life = Life.ready({ onLost: 'recreate' }).at(20, 'machineLost').at(100, 'destroyForced').until(100);
    expect([life.state, life.reason]).toEqual(['failed', 'requested']);
  });

  it('cannot be undone by anything the machine, its agent or the provider says later', () => {
    const life = Life.ready()
      .at(20, 'destroyForced')
      .until(20 + LIMIT);
    const { vm } = life;
    for (const late of ['machineGone', 'machineCreated', 'machineReady', 'report', 'exchanged', 'deadline'] as const) {
      expect(life.at(900, late).vm).toBe(vm);
    }
  });

  it('says what it does in the view and in the timeline', () => {
    const life = Life.ready().at(20, 'destroyForced');
    const forceTimeoutAt = new Date(START + (20 + LIMIT) * 1000).toISOString();
    expect(vmView(life.vm, START + 21_000)).toMatchObject({
      state: 'destroying',
      detail: `forced: a machine that is not gone in ${LIMIT} s is left to the sweeper`,
      nextDeadline: { kind: 'forceTimeout', at: forceTimeoutAt },
    });
    life.until(20 + LIMIT);
    const detail = 'forced: m-current was not seen gone; the sweeper removes what is left of it';
    expect(vmView(life.vm, START + 100_000)).toMatchObject({ state: 'failed', reason: 'requested', detail });
    expect(life.vm.timeline.slice(-3).map(({ kind, state }) => [kind, state])).toEqual([
      ['state', 'destroying'],
      ['forced', 'destroying'],
      ['state', 'failed'],
    ]);
    expect(life.vm.timeline.at(-1)).toMatchObject({ reason: 'requested', detail });
  });

  it('keeps what was said about the end before it was forced', () => {
    const life = new Life().at(1, 'drain').at(2, 'destroyForced');
    expect(vmView(life.vm, START + 3000).detail).toMatch(/^nobody was in yet; forced: /);
  });
});
