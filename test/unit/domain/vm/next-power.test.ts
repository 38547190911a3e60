import { describe, expect, it } from 'vitest';
import { nextDeadline, shownDeadline } from '../../../../domain/vm/deadlines.ts';
import { vmView } from '../../../../domain/vm/view.ts';
import { MACHINE, START, Life } from '../../../../test-support/vm/vm-life.ts';

const users = { sequence: 5, connections: 1 };
const stopping = (): Life => Life.ready().at(30, 'stopRequested');
const stopped = (): Life => stopping().at(40, 'machineStopped');
const waking = (): Life => stopped().at(120, 'startRequested').at(125, 'machineStarted', { machine: MACHINE });

describe('a stop', () => {
  it('of a VM with users needs force', () => {
    const life = Life.ready().at(20, 'report', users).at(30, 'stopRequested');
    expect(life.state).toBe('running');
    expect(life.at(31, 'stopRequested', { force: true }).state).toBe('stopping');
  });

  it('of a VM that drains with users in it waits for them too', () => {
    const life = Life.ready().at(20, 'report', users).at(25, 'drain').at(30, 'stopRequested');
    expect(life.state).toBe('draining');
  });

  it('ends a start, and a start follows a stop: the last word counts', () => {
    expect(stopped().at(50, 'startRequested').at(51, 'stopRequested').at(60, 'machineStopped').state).toBe('stopped');
    expect(stopping().at(31, 'startRequested').at(40, 'machineStopped').state).toBe('starting');
    const taken = stopping().at(31, 'startRequested').at(32, 'stopRequested').at(40, 'machineStopped');
    expect(taken.state).toBe('stopped');
  });

  it('is no end for what an earlier boot of the machine said', () => {
    const life = waking().at(130, 'report', { sequence: 900, sentAt: START + 29_000, connections: 3 });
    expect(life.state).toBe('booting');
    expect(life.at(131, 'report', { sequence: 2 }).state).toBe('running');
    expect(life.serving.usage).toMatchObject({ connections: 0, everUsed: false });
  });

  it('is what emptiness and a drain lead to where the spec says so, and softLifetime does not', () => {
    const idle = { action: 'stop' } as const;
    expect([Life.ready({ idle }).until(210).at(211, 'confirmAnswered').state]).toEqual(['stopping']);
    expect(Life.ready({ idle }).at(20, 'drain').at(21, 'confirmAnswered').state).toBe('stopping');
    const soft = Life.ready({ idle, softLifetimeSeconds: 50 }).until(50).at(51, 'confirmAnswered');
    expect([soft.state, soft.reason]).toEqual(['destroying', 'softLifetime']);
  });
});

describe('a stopped VM', () => {
  it('ends after its retention for the reason of its stop, and at its longest life in any case', () => {
    const idle = { action: 'stop', retentionSeconds: 500 } as const;
    const life = Life.ready({ idle }).until(210).at(211, 'confirmAnswered').at(220, 'machineStopped');
    expect(life.due).toEqual(['retention', 720]);
    expect(vmView(life.vm, START)).toMatchObject({
      keeps: ['disk'],
      aliveBecause: 'stopped',
      reason: 'neverConnected',
    });
    expect([life.until(720).state, life.reason]).toEqual(['destroying', 'neverConnected']);
    const old = stopped();
    expect(old.due).toEqual(['maxLifetime', 10_000]);
    expect([old.until(10_000).state, old.reason]).toEqual(['destroying', 'maxLifetime']);
  });

  it('hears no silence: nobody speaks there', () => {
    expect(stopped().until(5000).state).toBe('stopped');
  });

  it('is looked at again where something calls its machine lost, and is lost only when it is not there', () => {
    const looked = stopped().at(50, 'machineLost');
    expect([looked.state, looked.at(51, 'machineStopped').state]).toEqual(['stopping', 'stopped']);
    const gone = stopped().at(50, 'machineLost').at(51, 'machineMissing');
    expect([gone.state, gone.reason]).toEqual(['destroying', 'lost']);
  });

  it('ends when its machine is gone, where a lost machine is replaced too: the new one would be empty', () => {
    const life = Life.ready({ onLost: 'recreate' }).at(30, 'stopRequested').at(40, 'machineMissing');
    expect(life.vm.state).toMatchObject({ name: 'destroying', reason: 'lost', then: 'end' });
    expect(vmView(life.vm, START).detail).toMatch(/its stopped machine is gone, and what it kept with it/);
    const before = Life.ready({ onLost: 'recreate' })
      .at(30, 'stopRequested')
      .at(40, 'machineMissing', { isReplaced: true });
    expect(before.vm.state, 'as histories of before have it').toMatchObject({ then: 'recreate' });
  });

  it('outlives its host, and ends without it in a limited time', () => {
    const life = stopped().at(50, 'hostLost');
    expect(life.state).toBe('stopped');
    life.at(60, 'destroyRequested');
    expect(life.due).toEqual(['forceTimeout', 75]);
    expect([life.until(75).state, life.reason]).toEqual(['failed', 'requested']);
  });
});

describe('a start', () => {
  it('that fails, is late, or brings up nothing that is ready leads back to the disk', () => {
    expect(stopped().at(50, 'startRequested').at(60, 'startFailed').state).toBe('stopping');
    expect(stopped().at(50, 'startRequested').until(950).state).toBe('stopping');
    expect(waking().at(130, 'notReady').state).toBe('stopping');
    expect(waking().until(245).state).toBe('stopping');
    const back = waking().at(130, 'notReady').at(140, 'machineStopped');
    expect(back.vm.state).toMatchObject({ name: 'stopped', detail: 'the start failed: the app did not answer' });
  });

  it('counts nobody as having been there, and asks its agent to prove itself again', () => {
    const { vm } = Life.ready()
      .at(20, 'exchanged')
      .at(30, 'stopRequested')
      .at(40, 'machineStopped')
      .at(50, 'startRequested')
      .at(55, 'machineStarted')
      .at(60, 'machineReady', { usage: { sequence: 3, connections: 0 } });
    expect(vm).toMatchObject({ exchangeNonce: null, startedFrom: 'stopped', machineId: MACHINE.machineId });
    expect(nextDeadline(vm)).toEqual({ kind: 'neverConnected', at: START + 260_000 });
  });
});

describe('a VM that was started again', () => {
  const again = (): Life => waking().at(130, 'machineReady', { usage: { sequence: 9, connections: 0 } });
  const said = (): Life => again().at(140, 'machineLost', { hearsay: true });

  it('is not lost because somebody says so late: its provider is asked, and sees it', () => {
    expect(said().serving.silence).toMatchObject({ probe: 'pending', hearsay: true });
    const seen = said().at(141, 'probed', { alive: true });
    expect([seen.state, seen.serving.silence]).toEqual(['running', null]);
    expect(said().at(141, 'report', { sequence: 10, connections: 1 }).serving.silence).toBeNull();
  });

  it('is lost when its provider does not see it', () => {
    const gone = said().at(141, 'probed', { alive: false });
    expect([gone.state, gone.reason]).toEqual(['destroying', 'lost']);
    expect(vmView(gone.vm, START).detail).toBe('the machine is gone');
  });

  it('is asked for anew by each who says so, while its agent is silent too', () => {
    const silent = again().until(430).at(431, 'probed', { alive: true });
    expect(silent.serving.silence?.probe).toBe('alive');
    const asked = silent.at(440, 'machineLost', { hearsay: true });
    expect(asked.serving.silence).toMatchObject({ probe: 'pending' });
    expect(asked.at(441, 'probed', { alive: true }).serving.silence?.probe).toBe('alive');
    expect(asked.at(442, 'machineLost', { hearsay: true }).at(443, 'probed', { alive: false }).state).toBe(
      'destroying',
    );
  });

  it('goes on booting meanwhile: whoever waits for it sees the end himself', () => {
    expect(waking().at(130, 'machineLost', { hearsay: true }).state).toBe('booting');
  });

  it('hears nothing of a loss of its host from before that, and all of a later one', () => {
    const lostAt = START + 100_000;
    expect(again().at(140, 'hostLost', { lostAt }).state).toBe('running');
    expect(waking().at(130, 'hostLost', { lostAt }).state).toBe('booting');
    expect(again().at(140, 'hostLost', { lostAt: START + 139_000 }).state).toBe('failed');
    expect(again().at(140, 'hostLost').state, 'nobody said since when').toBe('failed');
  });

  it('waits for the answer of a host that was lost before the stop or start was asked of it', () => {
    const starting = stopped()
      .at(120, 'startRequested')
      .at(121, 'hostLost', { lostAt: START + 50_000 });
    expect([starting.state, starting.at(122, 'destroyRequested').due]).toEqual(['starting', ['forceTimeout', 137]]);
    const late = stopping().at(35, 'hostLost', { lostAt: START + 20_000 });
    expect([late.state, late.at(40, 'machineStopped').state]).toEqual(['stopping', 'stopped']);
    expect(stopping().at(35, 'hostLost', { lostAt: START + 34_000 }).state).toBe('stopped');
  });
});

describe('a VM whose disk is on a lost host', () => {
  const lost = (): Life =>
    Life.ready({ idle: { action: 'stop', retentionSeconds: 2000 } })
      .at(30, 'stopRequested')
      .at(40, 'machineStopped')
      .at(50, 'hostLost');
  const tried = (): Life => lost().at(60, 'startRequested').at(960, 'deadline');

  it('can be ended in a limited time after a start that nobody there could make', () => {
    expect(tried().state).toBe('stopping');
    const ending = tried().at(970, 'destroyRequested');
    expect([ending.state, ending.due]).toEqual(['destroying', ['forceTimeout', 985]]);
    expect(lost().at(60, 'startRequested').at(61, 'destroyRequested').due).toEqual(['forceTimeout', 76]);
    expect(lost().at(60, 'machineLost').at(61, 'destroyRequested').due).toEqual(['forceTimeout', 76]);
    expect(ending.until(985).state).toBe('failed');
  });

  it('ends after its retention although nobody there stops it', () => {
    expect(tried().due).toEqual(['retention', 2960]);
    expect(tried().until(2960).due).toEqual(['forceTimeout', 2975]);
  });

  it('ends as any other once its host has answered', () => {
    const answered = tried().at(970, 'machineStopped');
    expect([answered.state, answered.at(980, 'destroyRequested').due]).toEqual(['stopped', null]);
    const back = lost().at(60, 'startRequested').at(70, 'machineStarted').at(80, 'destroyRequested');
    expect(back.due).toBeNull();
  });
});

describe('a VM that stays', () => {
  it('has no deadline but those of a silent agent, and a drain of it ends nothing', () => {
    const life = Life.ready({ maxLifetimeSeconds: null, idle: { action: 'none' } });
    expect(shownDeadline(life.vm)).toBeNull();
    expect(vmView(life.vm, START)).toMatchObject({ stays: true, aliveBecause: 'stays' });
    life.at(20, 'report', users).at(30, 'drain').at(40, 'report', { sequence: 9, connections: 0 });
    expect([life.until(200).state, shownDeadline(life.vm)]).toEqual(['draining', null]);
  });
});
