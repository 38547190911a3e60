import { describe, expect, it } from 'vitest';
import { aliveBecause } from '../../../../domain/vm/deadlines.ts';
import { rollOverOrderOf } from '../../../../domain/vm/roll-over.ts';
import { vmView, type VmView } from '../../../../domain/vm/view.ts';
import { currentDetails } from '../../../../domain/vm/current-details.ts';
import { TIMEOUTS } from '../../../../domain/timeouts.ts';
import { Life, START, unnamed, type SpecChoices } from '../../../../test-support/vm/vm-life.ts';

const GRACE = TIMEOUTS.rollOverIdleSeconds;
const chat = { name: 'chat', version: 2 };
const at = (seconds: number): number => START + seconds * 1000;
const users = (connections: number, sequence: number) => ({ sequence, connections });

const ready = (choices: SpecChoices = {}): Life => Life.ready({ template: chat, ...choices });
const busy = (choices: SpecChoices = {}): Life => ready(choices).at(20, 'report', users(1, 2));
/** Empty since 40 s, and by its spec until 140 s. */
const left = (choices: SpecChoices = {}): Life => busy(choices).at(40, 'report', users(0, 3));
const order = (below: number, revision = 1) => ({ below, revision });
const viewAt = (life: Life, seconds: number): VmView => vmView(life.vm, at(seconds));

describe('a VM whose template has a newer version', () => {
  it('ends soon after its last user has left, and says why in its view, its timeline and the Web UI', () => {
    const life = left().at(50, 'rollOver', order(3));
    expect(life.due).toEqual(['idle', 50 + GRACE]);
    const serves = 'version 3 of the template chat serves';
    expect(viewAt(life, 51)).toMatchObject({
      ...{ state: 'running', aliveBecause: 'rollOverGrace', newerVersion: 3, template: chat },
      nextDeadline: { kind: 'idle', detail: serves },
    });
    expect(currentDetails(life.vm, at(51))).toContain(`for ${serves}`);
    expect(life.vm.timeline.at(-1)).toMatchObject({
      ...{ kind: 'version', state: 'running' },
      detail: `${serves}: once nobody has used it for ${GRACE} s, idle.action follows`,
    });
    life.until(50 + GRACE).at(81, 'confirmAnswered', users(0, 9));
    expect([life.state, life.reason]).toEqual(['destroying', 'idle']);
    expect(life.vm.timeline.at(-1)).toMatchObject({ state: 'destroying', reason: 'idle', detail: serves });
    expect(viewAt(life, 82)).toMatchObject({ reason: 'idle', detail: serves });
  });

  it('is asked first, as ever: whoever came back meanwhile keeps it', () => {
    const life = left()
      .at(50, 'rollOver', order(3))
      .until(50 + GRACE);
    expect(life.serving.confirmation).toMatchObject({ reason: 'idle', answeredBy: 'agent' });
    life.at(81, 'confirmAnswered', users(1, 9));
    expect(life.serving).toMatchObject({ confirmation: null, usage: { connections: 1 } });
    expect(viewAt(life, 82)).toMatchObject({ aliveBecause: 'connections', newerVersion: 3 });
  });

  it('is not touched while somebody uses it, and has no longer than an idle one when the last user leaves', () => {
    const life = busy().at(30, 'rollOver', order(3));
    expect(life.due).toEqual(['silence', 320]);
    expect(life.serving.usage?.connections).toBe(1);
    for (let seconds = 100; seconds <= 1000; seconds += 100) life.at(seconds, 'report', users(1, seconds));
    expect(life.state).toBe('running');
    life.at(1040, 'report', users(0, 1040));
    expect(life.due).toEqual(['idle', 1040 + GRACE]);
  });

  it('ends no later than it would anyway, and then for no other reason', () => {
    const late = left().at(130, 'rollOver', order(3));
    expect(late.due).toEqual(['idle', 140]);
    expect(viewAt(late, 131).nextDeadline).not.toHaveProperty('detail');
    late.until(140).at(141, 'confirmAnswered', users(0, 9));
    expect(late.vm.timeline.at(-1)).not.toHaveProperty('detail');
    const quick = left({ idle: { timeoutSeconds: 5 } });
    expect(quick.at(41, 'rollOver', order(3)).due).toEqual(['idle', 45]);
  });

  it.each([
    ['destroy', 'destroying'],
    ['stop', 'stopping'],
    ['suspend', 'suspending'],
    ['close', 'stopping'],
  ] as const)('does what its idle.action says: %s', (action, state) => {
    const life = left({ idle: { action } }).at(50, 'rollOver', order(3));
    expect(life.until(80).at(81, 'confirmAnswered', users(0, 9)).state).toBe(state);
  });

  const stays: readonly (readonly [string, () => Life, readonly [string, number] | null])[] = [
    ['whose idle.action is none', () => left({ idle: { action: 'none' } }), ['silence', 340]],
    ['that has this version or a later one', () => left({ template: { name: 'chat', version: 3 } }), ['idle', 140]],
    ['that was made from no template', () => left({ template: null }), ['idle', 140]],
    [
      'whose create named the version',
      () => {
        const life = left();
        life.vm = { ...life.vm, pinned: true };
        return life;
      },
      ['idle', 140],
    ],
    ['that somebody is expected in', () => ready(), ['neverConnected', 210]],
    ['that nobody counts the users of', () => ready({ readiness: { kind: 'tcp' } }), ['maxLifetime', 10_000]],
    ['that drains', () => busy().at(41, 'drain'), ['silence', 320]],
    ['that is stopped', () => left().at(45, 'stopRequested').at(46, 'machineStopped'), ['maxLifetime', 10_000]],
    ['that is suspended', () => left().at(45, 'suspendRequested').at(46, 'machineSuspended'), ['maxLifetime', 10_000]],
  ];
  it.each(stays)('stays as it was where it is one %s', (_, life, due) => {
    expect(life().at(50, 'rollOver', order(3)).due).toEqual(due);
  });

  it.each([
    ['that is being made', () => new Life({ template: chat })],
    ['that boots', () => new Life({ template: chat }).at(1, 'machineCreated')],
  ])('gives whoever is expected in one %s the time that was said, and little once all have left', (_, begin) => {
    const life = begin().at(2, 'rollOver', order(3));
    if (life.state === 'creating') life.at(3, 'machineCreated');
    life.at(10, 'machineReady', { usage: users(0, 1) });
    expect(life.due).toEqual(['neverConnected', 210]);
    expect(aliveBecause(life.vm, at(11))).toBe('firstConnectGrace');
    life.at(20, 'report', users(1, 2)).at(40, 'report', users(0, 3));
    expect(life.due).toEqual(['idle', 40 + GRACE]);
  });

  it('is kept by a hold for as long as that lasts, and has no moment more then', () => {
    const life = left().at(45, 'hold', { seconds: 60 }).at(50, 'rollOver', order(3));
    expect(life.due).toEqual(['idle', 105]);
    expect(viewAt(life, 51)).toMatchObject({ aliveBecause: 'hold', newerVersion: 3 });
  });

  it('that was stopped and is asked for again stays for as long as its spec says, until there is another version', () => {
    const life = left({ idle: { action: 'stop' } }).at(50, 'rollOver', order(3));
    life.until(80).at(81, 'confirmAnswered', users(0, 9)).at(90, 'machineStopped').at(100, 'startRequested');
    life.at(101, 'machineStarted').at(110, 'machineReady', { usage: users(0, 1) });
    life.at(120, 'report', users(1, 2)).at(140, 'report', users(0, 3));
    expect(life.due).toEqual(['idle', 240]);
    expect(viewAt(life, 141)).not.toHaveProperty('newerVersion');
    expect(life.at(142, 'rollOver', order(3, 1)).due).toEqual(['idle', 240]);
    expect(life.at(142, 'rollOver', order(4, at(141))).due).toEqual(['idle', 142 + GRACE]);
  });

  it.each<[string, () => Life]>([
    [
      'started again',
      () => {
        const life = left().at(45, 'stopRequested').at(50, 'machineStopped').at(60, 'startRequested');
        return life.at(61, 'machineStarted').at(70, 'machineReady', { usage: users(0, 1) });
      },
    ],
    ['given to another create', () => unnamed(busy()).at(40, 'drain').at(60, 'takenBack')],
  ])('that was %s before it hears of an order stays where the order is older than that', (_, begin) => {
    const life = begin()
      .at(75, 'report', users(1, 8))
      .at(80, 'rollOver', order(3, at(59)));
    life.at(90, 'report', users(0, 9));
    expect(life.due).toEqual(['idle', 190]);
    expect(life.at(91, 'rollOver', order(4, at(90))).due).toEqual(['idle', 91 + GRACE]);
  });

  it('goes on making room after a snapshot, for which nobody had to ask for it', () => {
    const life = left().at(50, 'rollOver', order(3)).at(55, 'snapshotRequested').at(60, 'machineStopped');
    life
      .at(70, 'imageKept')
      .at(80, 'machineStarted')
      .at(90, 'machineReady', { usage: users(1, 1) });
    expect(life.at(100, 'report', users(0, 2)).due).toEqual(['idle', 100 + GRACE]);
  });

  it('that is given to another create is there for whoever has yet to come', () => {
    const life = unnamed(busy()).at(30, 'rollOver', order(3)).at(40, 'drain').at(50, 'takenBack');
    life.at(60, 'report', users(0, 5));
    expect(life.due).toEqual(['idle', 160]);
  });

  it('is told of the next one too, and what it was told first does not begin anew', () => {
    const life = left().at(50, 'rollOver', order(3, 1)).at(60, 'rollOver', order(4, 2));
    expect(life.due).toEqual(['idle', 50 + GRACE]);
    expect(viewAt(life, 61)).toMatchObject({ newerVersion: 4 });
  });

  it('hears an order once, and none that is older than what it knows', () => {
    const life = left().at(50, 'rollOver', order(3, 7));
    const { vm } = life;
    expect(life.at(51, 'rollOver', order(3, 7)).vm).toBe(vm);
    expect(life.at(52, 'rollOver', order(0, 6)).vm).toBe(vm);
  });

  it('need not make room any more where that version is held back, also while it is being asked', () => {
    const life = left().at(50, 'rollOver', order(3, 1)).until(80);
    expect(life.serving.confirmation?.reason).toBe('idle');
    life.at(81, 'rollOver', order(0, 2));
    expect([life.serving.confirmation, life.due]).toEqual([null, ['idle', 140]]);
    expect(life.at(82, 'confirmAnswered', users(0, 9)).state).toBe('running');
    expect(life.vm.timeline.findLast(({ kind }) => kind === 'version')).toMatchObject({
      detail: 'it need not make room any more',
    });
  });
});

describe('what anybody with a CLI may send', () => {
  it('is an order only where it says what of', () => {
    expect(rollOverOrderOf({ below: 3, revision: 7, uid: 'u' })).toEqual({ below: 3, revision: 7 });
    for (const none of [null, 3, [], {}, { below: 3 }, { below: -1, revision: 1 }, { below: '3', revision: 1 }]) {
      expect(rollOverOrderOf(none)).toBeUndefined();
    }
  });
});
