import { describe, expect, it } from 'vitest';
import { vmView } from '../../../../domain/vm/view.ts';
import { MACHINE, START, Life } from '../../../../test-support/vm/vm-life.ts';

const users = { sequence: 5, connections: 1 };
const idle = { action: 'suspend', retentionSeconds: 500 } as const;
const suspending = (): Life => Life.ready().at(30, 'suspendRequested');
const suspended = (): Life => suspending().at(40, 'machineSuspended');
const resuming = (): Life => suspended().at(120, 'resumeRequested');

describe('a suspend', () => {
  it('of a VM with users needs force', () => {
    const life = Life.ready().at(20, 'report', users).at(30, 'suspendRequested');
    expect(life.state).toBe('running');
    expect(life.at(31, 'suspendRequested', { force: true }).state).toBe('suspending');
  });

  it('is what emptiness and a drain lead to where the spec says so', () => {
    expect(Life.ready({ idle }).until(210).at(211, 'confirmAnswered').state).toBe('suspending');
    expect(Life.ready({ idle }).at(20, 'drain').at(21, 'confirmAnswered').state).toBe('suspending');
  });

  it('ends a resume, and a resume follows a suspend: the last word counts', () => {
    expect(resuming().at(121, 'suspendRequested').at(130, 'machineSuspended').state).toBe('suspended');
    expect(suspending().at(31, 'resumeRequested').at(40, 'machineSuspended').state).toBe('resuming');
    const taken = suspending().at(31, 'resumeRequested').at(32, 'suspendRequested').at(40, 'machineSuspended');
    expect(taken.state).toBe('suspended');
  });

  it('of a VM that drains is followed by a word to its agent, which goes on where it was: the VM admits users again', () => {
    const drained = Life.ready()
      .at(20, 'drain')
      .at(21, 'drainingNotified', { draining: true })
      .at(30, 'suspendRequested');
    const resumed = drained.at(40, 'machineSuspended').at(120, 'resumeRequested');
    resumed.at(121, 'machineStarted', { tells: true }).at(122, 'machineReady');
    expect(resumed.serving).toMatchObject({ name: 'running', drainNotice: 'pending' });
    expect(resumed.at(123, 'drainingNotified', { draining: false }).serving.drainNotice).toBe('sent');
  });

  it('that finds the memory gone leaves a VM that is stopped', () => {
    const { vm, state } = suspending().at(40, 'machineStopped');
    expect([state, vmView(vm, START).keeps]).toEqual(['stopped', ['disk']]);
  });

  it('that is refused lets a VM run on for whoever asked, and stops one that nobody uses', () => {
    const asked = suspending().at(40, 'suspendFailed');
    expect(asked.vm.state).toMatchObject({ name: 'resuming', refused: true });
    expect(asked.at(41, 'machineStarted').at(42, 'machineReady').state).toBe('running');
    const empty = Life.ready({ idle }).until(210).at(211, 'confirmAnswered').at(212, 'suspendFailed');
    expect(empty.vm.state).toMatchObject({ name: 'stopping', reason: 'neverConnected' });
    expect(vmView(empty.vm, START).detail).toBe('it cannot be suspended: it has a local SSD');
    const wanted = Life.ready({ idle }).until(210).at(211, 'confirmAnswered').at(212, 'resumeRequested');
    expect(wanted.at(213, 'suspendFailed').state, 'somebody wants it by now').toBe('resuming');
  });

  it('that is refused and leaves a machine that does not run either ends in a stop, not in a circle', () => {
    const refused = suspending().at(40, 'suspendFailed');
    expect(refused.at(50, 'startFailed').state).toBe('stopping');
    const booting = suspending().at(40, 'suspendFailed').at(41, 'machineStarted');
    expect(booting.at(50, 'notReady').state).toBe('stopping');
  });
});

describe('a suspended VM', () => {
  it('keeps its memory and its disk, and says so', () => {
    expect(vmView(suspended().vm, START)).toMatchObject({
      ...{ state: 'suspended', keeps: ['disk', 'memory'], aliveBecause: 'suspended', reason: 'requested' },
    });
    expect(vmView(suspended().vm, START)).not.toHaveProperty('address');
  });

  it('goes a rung further down after its retention, and ends after another one', () => {
    const life = Life.ready({ idle }).until(210).at(211, 'confirmAnswered').at(220, 'machineSuspended');
    expect(life.due).toEqual(['retention', 720]);
    expect(life.until(720).state).toBe('stopping');
    expect(life.at(730, 'machineStopped').due).toEqual(['retention', 1230]);
    expect([life.until(1230).state, life.reason]).toEqual(['destroying', 'neverConnected']);
  });

  it('comes back by a resume or a start, from what it kept', () => {
    for (const kind of ['resumeRequested', 'startRequested'] as const) {
      const life = suspended().at(120, kind).at(125, 'machineStarted', { machine: MACHINE });
      expect([life.state, life.vm.startedFrom]).toEqual(['booting', 'suspended']);
      life.at(126, 'report', { sequence: 9, connections: 2 });
      expect([life.state, life.serving.usage?.connections]).toEqual(['running', 2]);
    }
  });

  it('is stopped by a stop, and one that is stopped is not resumed', () => {
    const stopped = suspended().at(50, 'stopRequested').at(60, 'machineStopped');
    expect([stopped.state, stopped.at(61, 'resumeRequested').state]).toEqual(['stopped', 'stopped']);
  });

  it('is suspended again where it cannot be resumed, or is not ready in time', () => {
    expect(resuming().at(130, 'startFailed').state).toBe('suspending');
    expect(resuming().until(1020).state).toBe('suspending');
    const booting = resuming().at(125, 'machineStarted').at(130, 'notReady').at(140, 'machineSuspended');
    expect(booting.vm.state).toMatchObject({ name: 'suspended', detail: 'the start failed: the app did not answer' });
  });

  it('keeps its disk alone where its host is lost, and ends where its machine is gone', () => {
    expect(suspended().at(50, 'hostLost').vm.state).toMatchObject({ name: 'stopped', hostLost: true });
    const looked = suspended().at(50, 'machineLost');
    expect([looked.state, looked.at(51, 'machineSuspended').state]).toEqual(['suspending', 'suspended']);
    const gone = suspended().at(50, 'machineLost').at(51, 'machineMissing');
    expect([gone.state, gone.reason]).toEqual(['destroying', 'lost']);
  });

  it('hears nothing of reports from before', () => {
    const life = resuming().at(130, 'report', { sequence: 900, sentAt: START + 29_000, connections: 3 });
    expect(life.vm.state).toMatchObject({ usage: null });
  });
});
