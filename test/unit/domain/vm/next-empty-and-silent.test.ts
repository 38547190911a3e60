import { describe, expect, it } from 'vitest';
import { next } from '../../../../domain/vm/next.ts';
import { START, Life } from '../../../../test-support/vm/vm-life.ts';

describe('an idle VM', () => {
  const leftAt = (life: Life): Life =>
    life.at(20, 'report', { sequence: 2, connections: 1 }).at(30, 'report', { sequence: 3, connections: 0 });

  it('is asked for its count when the time is over, and ends only when the answer is 0', () => {
    const life = leftAt(Life.ready()).until(130);
    expect(life.state).toBe('running');
    expect(life.serving.confirmation).toMatchObject({ reason: 'idle', answeredBy: 'agent' });
    life.at(131, 'confirmAnswered', { sequence: 4, connections: 0 });
    expect([life.state, life.reason, life.since]).toEqual(['destroying', 'idle', 131]);
    expect(life.vm.timeline.map(({ kind }) => kind).slice(-2)).toEqual(['confirmed', 'state']);
  });

  it('lives on when the answer is that somebody came', () => {
    const life = leftAt(Life.ready()).until(130).at(131, 'confirmAnswered', { sequence: 4, connections: 2 });
    expect(life.serving).toMatchObject({ confirmation: null, usage: { connections: 2, emptySince: null } });
    expect(life.due).toEqual(['silence', 431]);
  });

  it('is not ended by a 0 that was sent before the question', () => {
    const life = leftAt(Life.ready()).until(130);
    life.at(131, 'report', { sequence: 4, connections: 0, sentAt: START + 129_999 });
    expect(life.serving.confirmation).not.toBeNull();
    life.at(132, 'report', { sequence: 5, connections: 0, sentAt: START + 130_000 });
    expect([life.state, life.reason]).toEqual(['destroying', 'idle']);
  });

  it('is ended by the report that names the question, whatever the clock of who forwarded it, and by no other', () => {
    const life = leftAt(Life.ready()).until(130);
    life.at(130, 'confirmByReport', { id: 'q-1' });
    life.at(131, 'report', { sequence: 4, connections: 0, sentAt: START + 175_000 });
    life.at(132, 'report', { sequence: 5, connections: 0, sentAt: START + 175_000, answers: 'q-0' });
    expect(life.serving.confirmation).toMatchObject({ id: 'q-1', answeredBy: 'report' });
    life.at(133, 'report', { sequence: 6, connections: 0, sentAt: START + 88_000, answers: 'q-1' });
    expect([life.state, life.reason]).toEqual(['destroying', 'idle']);
  });

  it('is kept by a count above 0, even one sent before the question', () => {
    const life = leftAt(Life.ready()).until(130);
    life.at(131, 'report', { sequence: 4, connections: 1, sentAt: START + 129_000 });
    expect(life.serving.confirmation).toBeNull();
    expect(life.until(230).state).toBe('running');
  });

  it('is not ended by an answer older than a report that came meanwhile', () => {
    const life = leftAt(Life.ready()).until(130);
    life.at(131, 'report', { sequence: 5, connections: 1 }).at(132, 'confirmAnswered', { sequence: 4, connections: 0 });
    expect(life.serving.usage).toMatchObject({ sequence: 5, connections: 1 });
  });

  it('is not ended by an answer older than what the agent said before the question', () => {
    const life = leftAt(Life.ready()).until(130);
    life.at(131, 'report', { sequence: 5, connections: 0, sentAt: START + 129_000 });
    life.at(132, 'confirmAnswered', { sequence: 4, connections: 0 });
    expect(life.serving.confirmation).not.toBeNull();
    life.at(133, 'confirmAnswered', { sequence: 5, connections: 0 });
    expect(life.reason).toBe('idle');
  });

  it('asks the next report when the agent cannot be asked, and says so in the timeline', () => {
    const life = leftAt(Life.ready()).until(130).at(131, 'confirmByReport');
    expect(life.serving.confirmation).toMatchObject({ answeredBy: 'report', reason: 'idle' });
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'confirming', detail: 'before idle' });
    life.at(140, 'report', { sequence: 4, connections: 0 });
    expect(life.reason).toBe('idle');
  });

  it('is unknown, not idle, when no answer comes', () => {
    const life = leftAt(Life.ready()).until(130).at(133, 'confirmUnanswered');
    expect(life.state).toBe('running');
    expect(life.serving).toMatchObject({ confirmation: null, silence: { probe: 'pending' } });
  });

  it('is unknown, not idle, when even the report that would answer stays away', () => {
    const life = leftAt(Life.ready()).until(130).at(131, 'confirmByReport').until(175);
    expect(life.serving).toMatchObject({ confirmation: null, silence: { probe: 'pending' } });
  });

  it('counts from when the last one left, not from the last report', () => {
    const life = leftAt(Life.ready()).at(100, 'report', { sequence: 4, connections: 0 });
    expect(life.due).toEqual(['idle', 130]);
  });

  it('does not count its own boot as idle time', () => {
    const life = new Life({ idle: { timeoutSeconds: 5 } }).at(1, 'machineCreated').at(2, 'connections');
    life.at(60, 'machineReady', { usage: { sequence: 1, connections: 0 } });
    expect(life.due).toEqual(['idle', 65]);
  });
});

describe('a VM that nobody ever joined', () => {
  it('ends after its own time-out, once the agent confirms it', () => {
    const life = Life.ready().until(210);
    expect(life.serving.confirmation?.reason).toBe('neverConnected');
    expect(life.at(211, 'confirmAnswered', { sequence: 2 }).reason).toBe('neverConnected');
  });

  it('has this time-out counted from the first report when that comes late', () => {
    const life = Life.ready({ readiness: { kind: 'http', port: 80, path: '/' } });
    life.at(5000, 'report', { sequence: 1, connections: 0 });
    expect(life.due).toEqual(['neverConnected', 5200]);
  });
});

describe('a VM without an agent', () => {
  const noAgent = { readiness: { kind: 'tcp', port: 80 } } as const;

  it('has no idle rule: it lives to its maximum lifetime', () => {
    const life = Life.ready({ ...noAgent, softLifetimeSeconds: 50 });
    expect(life.due).toEqual(['maxLifetime', 10_000]);
    expect(life.until(9999).state).toBe('running');
    expect(life.until(10_000).reason).toBe('maxLifetime');
  });

  it('starts its idle timer when a person types 0, and ends without asking anybody', () => {
    const life = Life.ready(noAgent).at(500, 'connections', { connections: 0 });
    expect(life.due).toEqual(['idle', 600]);
    expect([life.until(600).state, life.reason]).toEqual(['destroying', 'idle']);
  });

  it('is not postponed by the same 0 typed again', () => {
    const life = Life.ready(noAgent).at(500, 'connections').at(550, 'connections');
    expect(life.due).toEqual(['idle', 600]);
  });

  it('stays while the typed count is above 0, and is never called silent', () => {
    const life = Life.ready(noAgent).at(500, 'connections').at(550, 'connections', { connections: 4 });
    expect(life.due).toEqual(['maxLifetime', 10_000]);
  });

  it('is drained at once: nobody is known to be in', () => {
    const life = Life.ready(noAgent).at(500, 'drain').until(500);
    expect([life.state, life.reason]).toEqual(['destroying', 'drained']);
  });

  it('gets the rules of an agent with the first report', () => {
    const life = Life.ready(noAgent).at(500, 'connections').at(550, 'report', { sequence: 0, connections: 3 });
    expect(life.serving.usage).toMatchObject({ source: 'agent', connections: 3 });
    expect(life.due).toEqual(['silence', 850]);
  });
});

describe('a typed count on a VM with an agent', () => {
  it('starts the idle timer, and the agent is asked before the end', () => {
    const life = Life.ready().at(50, 'connections');
    expect(life.due).toEqual(['idle', 150]);
    life.until(150);
    expect(life.serving.confirmation).toMatchObject({ reason: 'idle', answeredBy: 'agent' });
    life.at(151, 'confirmAnswered', { sequence: 2, connections: 7 });
    expect(life.serving.usage?.connections).toBe(7);
  });

  it('never answers the question itself', () => {
    const life = Life.ready().at(50, 'connections').until(150).at(151, 'connections');
    expect(life.serving.confirmation).not.toBeNull();
  });

  it('above 0 stops the question', () => {
    const life = Life.ready().at(50, 'connections').until(150).at(151, 'connections', { connections: 1 });
    expect(life.serving.confirmation).toBeNull();
  });

  it('is not the voice of a silent agent', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 }).until(320);
    const { silence } = life.serving;
    life.at(330, 'connections', { connections: 2 });
    expect(life.serving).toMatchObject({ silence, usage: { connections: 2, reportedAt: START + 20_000 } });
    expect(life.due).toEqual(['maxLifetime', 10_000]);
  });

  it('starts the idle timer when it is typed, though the VM was never used before', () => {
    expect(Life.ready().at(180, 'connections').due).toEqual(['idle', 280]);
  });
});

describe('hold', () => {
  it('postpones idleness', () => {
    const life = Life.ready().at(50, 'connections').at(60, 'hold', { seconds: 1000 });
    expect(life.due).toEqual(['silence', 310]);
    life.at(300, 'report', { sequence: 2 }).at(590, 'report', { sequence: 3 }).at(880, 'report', { sequence: 4 });
    expect(life.due).toEqual(['idle', 1060]);
  });

  it('postpones the end of a drained VM', () => {
    const life = Life.ready().at(20, 'hold', { seconds: 60 }).at(30, 'drain');
    expect(life.due).toEqual(['drained', 80]);
  });

  it('postpones a soft lifetime and a VM that nobody joined', () => {
    expect(Life.ready().at(20, 'hold', { seconds: 250 }).due).toEqual(['neverConnected', 270]);
    expect(Life.ready({ softLifetimeSeconds: 50 }).at(20, 'hold', { seconds: 100 }).due).toEqual(['softLifetime', 120]);
  });

  it('never postpones the maximum lifetime', () => {
    const life = Life.ready({ readiness: { kind: 'machine' } }).at(20, 'hold', { seconds: 100_000 });
    expect(life.due).toEqual(['maxLifetime', 10_000]);
    expect(life.until(10_000).reason).toBe('maxLifetime');
  });

  it('takes back a question that is under way', () => {
    const life = Life.ready().until(210).at(211, 'hold', { seconds: 60 });
    expect(life.serving.confirmation).toBeNull();
    life.at(212, 'confirmAnswered', { sequence: 2, connections: 0 });
    expect(life.state).toBe('running');
    expect(life.due).toEqual(['neverConnected', 271]);
  });

  it('is over when its time has passed, not before, and then says so', () => {
    const life = Life.ready({ readiness: { kind: 'machine' } })
      .at(20, 'hold', { seconds: 60 })
      .at(79, 'holdOver');
    expect(life.vm.holdUntil).not.toBeNull();
    expect(life.at(80, 'holdOver').vm.holdUntil).toBeNull();
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'hold', detail: 'over' });
    const entries = life.vm.nextEntryNumber;
    expect(life.at(81, 'holdOver').vm.nextEntryNumber, 'once').toBe(entries);
  });

  it('is released by 0', () => {
    const life = Life.ready().at(20, 'hold', { seconds: 500 }).at(50, 'hold', { seconds: 0 });
    expect(life.vm.holdUntil).toBeNull();
    expect(life.due).toEqual(['neverConnected', 210]);
  });
});

describe('the soft lifetime', () => {
  it('ends an empty VM, once the agent confirms it', () => {
    const life = Life.ready({ softLifetimeSeconds: 50 }).until(50);
    expect(life.serving.confirmation?.reason).toBe('softLifetime');
    expect(life.at(51, 'confirmAnswered', { sequence: 2 }).reason).toBe('softLifetime');
  });

  it('waits until the last one has left', () => {
    const life = Life.ready({ softLifetimeSeconds: 50 }).at(20, 'report', { sequence: 2, connections: 1 });
    expect(life.until(200).serving.confirmation).toBeNull();
    life.at(210, 'report', { sequence: 3, connections: 0 });
    expect(life.due).toEqual(['softLifetime', 210]);
  });
});

describe('a silent agent', () => {
  const busy = (): Life => Life.ready().at(20, 'report', { sequence: 2, connections: 1 });

  it('makes the count unknown, and the machine is asked after', () => {
    const life = busy().until(320);
    expect(life.state).toBe('running');
    expect(life.serving.silence).toEqual({ since: START + 320_000, graceUntil: null, probe: 'pending' });
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'health', detail: 'unknown: the agent is silent' });
  });

  it('makes the VM lost when the machine is gone', () => {
    expect(busy().until(320).at(321, 'probed', { alive: false }).reason).toBe('lost');
  });

  it('has its grace when the machine lives, and is asked after once more before the VM is lost', () => {
    const life = busy().until(320).at(321, 'probed', { alive: true });
    expect(life.due).toEqual(['lost', 621]);
    expect(life.until(621).serving.silence).toMatchObject({ probe: 'again', graceUntil: null });
    expect(life.due).toEqual(['maxLifetime', 10_000]);
    expect([life.at(666, 'probed', { alive: true }).state, life.reason]).toEqual(['destroying', 'lost']);
  });

  it('costs no VM whose API was there for one probe alone: nobody could report until the second one saw it', () => {
    const life = busy().until(320).at(321, 'probed', { alive: true }).until(2000);
    expect(life.state).toBe('running');
    life.at(2001, 'report', { sequence: 3, connections: 1 });
    expect(life.serving).toMatchObject({ silence: null, usage: { connections: 1 } });
    expect(life.at(2002, 'probed', { alive: true }).state).toBe('running');
  });

  it('that the second probe does not find is lost too', () => {
    const life = busy().until(320).at(321, 'probed', { alive: true }).until(621).at(622, 'probed', { alive: false });
    expect([life.state, life.reason]).toEqual(['destroying', 'lost']);
  });

  it('ends its VM with its grace in a history of before', () => {
    const { vm } = busy().until(320).at(321, 'probed', { alive: true }).until(620);
    const after = next(vm, { kind: 'deadline', at: START + 621_000, endsUnasked: true });
    expect(after.state).toMatchObject({ name: 'destroying', reason: 'lost' });
  });

  it('costs the VM nothing while its host is away and nobody can say whether the machine lives', () => {
    const life = busy().until(3000);
    expect(life.serving.silence).toMatchObject({ probe: 'pending' });
    expect(life.at(3001, 'probed', { alive: true }).due).toEqual(['lost', 3301]);
    expect(life.at(3010, 'report', { sequence: 3, connections: 1 }).serving.silence).toBeNull();
  });

  it('is well again with one report in its grace', () => {
    const life = busy().until(320).at(321, 'probed').at(400, 'report', { sequence: 3, connections: 1 });
    expect(life.serving.silence).toBeNull();
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'health', detail: 'the agent reports again' });
    expect(life.due).toEqual(['silence', 700]);
  });

  it('is not heard in a report that came late', () => {
    const life = busy().until(320).at(321, 'report', { sequence: 1, connections: 0 });
    expect(life.serving.silence).not.toBeNull();
  });

  it('does not end the VM for idleness, even when it was empty', () => {
    const life = Life.ready({ idle: { timeoutSeconds: 350 } });
    life.at(20, 'report', { sequence: 2, connections: 1 }).at(30, 'report', { sequence: 3, connections: 0 });
    expect(life.until(329).serving.silence).toBeNull();
    expect(life.until(400).serving).toMatchObject({ confirmation: null, silence: { probe: 'pending' } });
  });

  it('that was found again means nothing to a late probe', () => {
    const life = busy().until(320).at(330, 'report', { sequence: 3, connections: 1 });
    expect(life.at(331, 'probed', { alive: false }).state).toBe('running');
  });
});

describe('drain', () => {
  it('of an empty VM asks at once', () => {
    expect(Life.ready().at(30, 'drain').due).toEqual(['drained', 30]);
  });

  it('lets the users finish, then ends the VM once the agent confirms it', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 }).at(30, 'drain');
    expect([life.state, life.serving.drainNotice]).toEqual(['draining', 'pending']);
    life.at(31, 'drainingNotified', { draining: true });
    expect(life.serving.drainNotice).toBe('sent');
    life.at(200, 'report', { sequence: 3, connections: 0 }).until(200);
    expect(life.serving.confirmation?.reason).toBe('drained');
    expect(life.at(201, 'confirmAnswered', { sequence: 4 }).reason).toBe('drained');
  });

  it('ends a VM that is still being made: nobody is in yet', () => {
    expect(new Life().at(1, 'drain').reason).toBe('drained');
    expect(new Life().at(1, 'machineCreated').at(2, 'drain').reason).toBe('drained');
  });

  it('can be taken back, together with its question', () => {
    const life = Life.ready().at(30, 'drain').until(30);
    expect(life.serving.confirmation?.reason).toBe('drained');
    life.at(31, 'undrain');
    expect([life.state, life.serving.confirmation, life.serving.drainNotice]).toEqual(['running', null, 'pending']);
    life.at(32, 'confirmAnswered', { sequence: 2, connections: 0 });
    expect(life.state).toBe('running');
  });

  it('keeps the question of another end when it is taken back', () => {
    const life = Life.ready().until(210).at(211, 'drain').at(212, 'undrain');
    expect(life.serving.confirmation?.reason).toBe('neverConnected');
  });

  it('is not told again when the agent was told the opposite', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 }).at(30, 'drain').at(31, 'undrain');
    life.at(32, 'drainingNotified', { draining: true });
    expect(life.serving.drainNotice).toBe('pending');
    expect(life.at(33, 'drainingNotified', { draining: false }).serving.drainNotice).toBe('sent');
  });
});
