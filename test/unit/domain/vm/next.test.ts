import { describe, expect, it } from 'vitest';
import { nextDeadline } from '../../../../domain/vm/deadlines.ts';
import { canExchange, next } from '../../../../domain/vm/next.ts';
import { VM_EVENT_KINDS, type VmEvent, type VmEventKind } from '../../../../domain/vm/events.ts';
import { VM_STATE_NAMES, type Vm } from '../../../../domain/vm/state.ts';
import { MACHINE, MACHINE_ID, START, Life, eventAt, unnamed } from '../../../../test-support/vm/vm-life.ts';

const used = (): Life => Life.ready().at(20, 'report', { sequence: 5, connections: 1 });
const ending = (): Life => used().at(30, 'destroyRequested');
const stopping = (): Life => Life.ready().at(30, 'stopRequested');
const stopped = (): Life => stopping().at(40, 'machineStopped');
const imaging = (): Life => stopped().at(120, 'closeRequested');
const starting = (): Life => stopped().at(120, 'startRequested');
const suspending = (): Life => Life.ready().at(30, 'suspendRequested');
const suspended = (): Life => suspending().at(40, 'machineSuspended');
const resuming = (): Life => suspended().at(120, 'resumeRequested');

/**
 * Each situation a VM can be in: all states, `booting` again where it was stopped or suspended before, `running` again while
 * an end is being confirmed, while the agent is silent, in its grace and when that is over, `draining` again where nobody chose
 * the VM's name, and `destroying` again once it is forced. Used VMs have an agent that counted 1 connection.
 */
const SITUATIONS = {
  creating: () => new Life(),
  booting: () => new Life().at(1, 'machineCreated'),
  running: used,
  confirming: () => Life.ready().until(210),
  unknown: () => used().until(320),
  grace: () => used().until(320).at(321, 'probed'),
  askedAgain: () => used().until(320).at(321, 'probed').until(621),
  draining: () => used().at(30, 'drain'),
  marked: () => unnamed(used()).at(30, 'drain'),
  stopping,
  stopped,
  imaging,
  starting,
  waking: () => starting().at(130, 'machineStarted'),
  suspending,
  suspended,
  resuming,
  resumed: () => resuming().at(130, 'machineStarted'),
  destroying: ending,
  forced: () => ending().at(31, 'destroyForced'),
  destroyed: () => ending().at(40, 'machineGone'),
  failed: () => used().at(30, 'machineLost').at(40, 'machineGone'),
} as const satisfies Record<string, () => Life>;

type Situation = keyof typeof SITUATIONS;

const AT_SECONDS = 630;

/** The events that the table means, such that they matter where they can: a count that is news, a machine not found. */
const TELLING: Partial<Record<VmEventKind, VmEvent>> = {
  report: eventAt(AT_SECONDS, 'report', { sequence: 9, connections: 2 }),
  connections: eventAt(AT_SECONDS, 'connections', { connections: 3 }),
  confirmAnswered: eventAt(AT_SECONDS, 'confirmAnswered', { sequence: 9, connections: 0 }),
  probed: eventAt(AT_SECONDS, 'probed', { alive: false }),
  hold: eventAt(AT_SECONDS, 'hold', { seconds: 60 }),
};

function eventFor(kind: VmEventKind, vm: Vm): VmEvent {
  const due = nextDeadline(vm);
  if (kind === 'deadline' && due !== null) return { kind, at: due.at };
  return TELLING[kind] ?? eventAt(AT_SECONDS, kind);
}

/**
 * `·` the event changes nothing, `*` the VM changes and stays in its state, a name: the state it goes to.
 * `destroying` was asked for, so a machine that is gone makes it `destroyed`.
 */
const TABLE = `
                   creating    booting     running     confirming  unknown     grace       askedAgain  draining    marked      stopping    stopped     imaging     starting    waking      suspending  suspended   resuming    resumed     destroying  forced      destroyed   failed
machineCreated     booting     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
placeLost          *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
createFailed       destroying  ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
machineReady       ·           running     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           running     ·           ·           ·           running     ·           ·           ·           ·
notReady           ·           destroying  ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           stopping    ·           ·           ·           suspending  ·           ·           ·           ·
report             *           running     *           *           *           *           *           *           *           ·           ·           ·           *           running     ·           ·           *           running     ·           ·           ·           ·
assigned           *           *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           *           *           ·           ·           *           *           ·           ·           ·           ·
connections        *           *           *           *           *           *           *           *           *           ·           ·           ·           *           *           ·           ·           *           *           ·           ·           ·           ·
confirmAnswered    ·           ·           *           destroying  *           *           *           *           *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
confirmUnanswered  ·           ·           ·           *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
confirmByReport    ·           ·           ·           *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
probed             ·           ·           ·           ·           destroying  destroying  destroying  ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
machineLost        ·           destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  ·           stopping    ·           ·           stopping    ·           suspending  ·           suspending  ·           ·           ·           ·
hostLost           ·           failed      failed      failed      failed      failed      failed      failed      failed      stopped     *           stopped     stopped     stopped     stopped     stopped     stopped     stopped     destroyed   destroyed   ·           ·
drain              destroying  destroying  draining    draining    draining    draining    draining    ·           ·           ·           ·           ·           ·           destroying  ·           ·           ·           destroying  ·           ·           ·           ·
undrain            ·           ·           ·           ·           ·           ·           ·           running     running     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
takenBack          ·           ·           ·           ·           ·           ·           ·           ·           running     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
rollOver           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           ·           ·           ·           ·
drainingNotified   ·           ·           ·           ·           ·           ·           ·           *           *           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
hold               *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           *           ·           ·           ·           ·
holdOver           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
stopRequested      ·           ·           ·           stopping    ·           ·           ·           ·           ·           ·           ·           ·           stopping    stopping    stopping    stopping    stopping    stopping    ·           ·           ·           ·
startRequested     ·           ·           ·           ·           ·           ·           ·           ·           ·           *           starting    *           ·           ·           *           resuming    ·           ·           ·           ·           ·           ·
closeRequested     ·           ·           ·           stopping    ·           ·           ·           ·           ·           *           imaging     ·           stopping    stopping    ·           ·           ·           stopping    ·           ·           ·           ·
snapshotRequested  ·           ·           ·           stopping    ·           ·           ·           ·           ·           *           imaging     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
imageKept          ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           destroying  ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
imageFailed        ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           stopped     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·
suspendRequested   ·           ·           ·           suspending  ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           suspending  ·           ·           ·           ·           ·
resumeRequested    ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           *           resuming    ·           ·           ·           ·           ·           ·
machineSuspended   ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           suspended   ·           ·           ·           ·           ·           ·           ·
suspendFailed      ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           resuming    ·           ·           ·           ·           ·           ·           ·
machineStopped     ·           ·           ·           ·           ·           ·           ·           ·           ·           stopped     ·           ·           ·           ·           stopped     ·           ·           ·           ·           ·           ·           ·
machineStarted     ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           booting     ·           ·           ·           booting     ·           ·           ·           ·           ·
startFailed        ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           stopping    ·           ·           ·           suspending  ·           ·           ·           ·           ·
machineMissing     ·           ·           ·           ·           ·           ·           ·           ·           ·           destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  ·           ·           ·           ·
exchanged          *           *           *           *           *           *           *           *           *           ·           ·           ·           *           *           ·           ·           *           *           ·           ·           ·           ·
destroyRequested   destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  ·           ·           ·           ·
destroyForced      destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  *           ·           ·           ·
cancelled          destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  destroying  ·           ·           ·           ·
deadline           destroying  destroying  *           *           destroying  *           destroying  *           *           destroying  destroying  ·           stopping    stopping    destroying  destroying  suspending  suspending  ·           failed      ·           ·
machineGone        ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           ·           destroyed   destroyed   ·           ·
`;

const [columns = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));

describe('every event in every situation', () => {
  it('has a decided cell', () => {
    expect(columns).toEqual(Object.keys(SITUATIONS));
    expect(columns).toEqual(expect.arrayContaining([...VM_STATE_NAMES]));
    expect(rows.map(([kind]) => kind)).toEqual([...VM_EVENT_KINDS]);
    for (const row of rows) expect(row, row[0]).toHaveLength(columns.length + 1);
  });

  it('starts from the situation that the column names', () => {
    for (const name of VM_STATE_NAMES) expect(SITUATIONS[name]().state).toBe(name);
    expect(SITUATIONS.confirming().serving.confirmation?.reason).toBe('neverConnected');
    expect(SITUATIONS.unknown().serving.silence?.probe).toBe('pending');
    expect(SITUATIONS.grace().serving.silence?.probe).toBe('alive');
    expect(SITUATIONS.askedAgain().serving.silence?.probe).toBe('again');
  });

  for (const [kind, ...cells] of rows) {
    it.each(cells.map((cell, index) => [columns[index]!, cell] as const))(
      `${kind!} while %s: %s`,
      (situation, cell) => {
        const before = SITUATIONS[situation as Situation]().vm;
        const frozen = structuredClone(before);
        const after = next(before, eventFor(kind as VmEventKind, before));
        expect(before).toStrictEqual(frozen);
        if (cell === '·') expect(after).toBe(before);
        else expect(after).not.toStrictEqual(before);
        expect(after.state.name).toBe(cell === '·' || cell === '*' ? before.state.name : cell);
      },
    );
  }
});

describe('a request that names one life', () => {
  const requests = [
    ...(['destroyRequested', 'destroyForced', 'drain', 'undrain', 'hold', 'connections'] as const),
    ...(['stopRequested', 'startRequested', 'suspendRequested', 'resumeRequested'] as const),
    ...(['closeRequested', 'snapshotRequested', 'rollOver'] as const),
  ];

  it.each(requests)('changes nothing in another life, whatever its state: %s', (kind) => {
    for (const situation of Object.keys(SITUATIONS) as Situation[]) {
      const { vm } = SITUATIONS[situation]();
      expect(next(vm, eventAt(60, kind, { uid: 'u-other' }))).toBe(vm);
    }
  });

  it.each(requests)('is the same as one that names none, in the life that it means: %s', (kind) => {
    for (const situation of Object.keys(SITUATIONS) as Situation[]) {
      const { vm } = SITUATIONS[situation]();
      expect(next(vm, eventAt(60, kind, { uid: vm.uid }))).toStrictEqual(next(vm, eventAt(60, kind)));
    }
  });
});

describe('the end', () => {
  it('keeps its first reason', () => {
    const life = Life.ready().at(20, 'cancelled').at(21, 'destroyRequested').at(22, 'machineLost');
    expect(life.until(20_000).reason).toBe('cancelled');
  });

  it.each([
    ['failed', 'createFailed', () => new Life().at(1, 'createFailed')],
    ['failed', 'createFailed', () => new Life().until(900)],
    ['failed', 'notReady', () => new Life().at(1, 'machineCreated').at(2, 'notReady')],
    ['failed', 'notReady', () => new Life().at(1, 'machineCreated').until(121)],
    ['failed', 'lost', () => Life.ready().at(20, 'machineLost')],
    ['failed', 'preempted', () => Life.ready().at(20, 'machineLost', { cause: 'preempted' })],
    ['destroyed', 'requested', () => Life.ready().at(20, 'destroyRequested')],
    ['destroyed', 'cancelled', () => Life.ready().at(20, 'cancelled')],
    ['destroyed', 'drained', () => new Life().at(1, 'drain')],
    ['destroyed', 'maxLifetime', () => new Life({ maxLifetimeSeconds: 60 }).until(60)],
    [
      'destroyed',
      'idle',
      () =>
        Life.ready({ readiness: { kind: 'tcp' } })
          .at(20, 'connections')
          .until(120),
    ],
    ['destroyed', 'neverConnected', () => Life.ready().until(210).at(211, 'confirmAnswered')],
    ['destroyed', 'softLifetime', () => Life.ready({ softLifetimeSeconds: 9 }).until(10).at(11, 'confirmAnswered')],
  ] as const)('is %s after %s, when the machine is gone', (state, reason, ending) => {
    const life = ending();
    expect([life.state, life.reason]).toEqual(['destroying', reason]);
    expect(life.due).toBeNull();
    life.at(15_000, 'machineGone');
    expect([life.state, life.reason, life.due]).toEqual([state, reason, null]);
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'state', state, reason });
  });

  it('comes at the maximum lifetime, whatever the guest says', () => {
    const life = Life.ready({ idle: { silenceTimeoutSeconds: 20_000 } });
    life.at(20, 'report', { sequence: 2, connections: 9 }).until(10_000);
    expect([life.reason, life.since]).toEqual(['maxLifetime', 10_000]);
  });
});

describe('an earlier machine', () => {
  const EARLIER = 'm-earlier';
  const machineEvents = VM_EVENT_KINDS.map((kind) => eventAt(330, kind)).flatMap((event): VmEvent[] => {
    if ('machine' in event) return [{ ...event, machine: { ...MACHINE, machineId: EARLIER } }];
    return 'machineId' in event ? [{ ...event, machineId: EARLIER }] : [];
  });

  it('is named by every event that a machine or its agent causes', () => {
    expect(machineEvents.map(({ kind }) => kind)).toEqual([
      'machineCreated',
      'placeLost',
      'machineReady',
      'notReady',
      'report',
      'assigned',
      'confirmAnswered',
      'confirmUnanswered',
      'confirmByReport',
      'probed',
      'machineLost',
      'hostLost',
      'imageKept',
      'imageFailed',
      'machineSuspended',
      'suspendFailed',
      'machineStopped',
      'machineStarted',
      'startFailed',
      'machineMissing',
      'exchanged',
      'machineGone',
    ]);
  });

  it.each(Object.entries(SITUATIONS))('changes nothing while %s', (_situation, life) => {
    const { vm } = life();
    for (const event of machineEvents) expect(next(vm, event), event.kind).toBe(vm);
  });
});

describe('a report', () => {
  it('makes a VM ready that waits for its agent', () => {
    const life = new Life().at(1, 'machineCreated').at(2, 'report', { sequence: 1, connections: 1 });
    expect([life.state, life.serving.usage?.connections]).toEqual(['running', 1]);
  });

  it('that is faster than the create call makes the VM ready as soon as that returns', () => {
    const life = new Life().at(1, 'report', { sequence: 1, connections: 1 });
    expect(life.state).toBe('creating');
    life.at(2, 'machineCreated');
    expect([life.state, life.serving.usage?.connections]).toEqual(['running', 1]);
  });

  it('does not make a VM ready that waits for something else, but is kept', () => {
    const life = new Life({ readiness: { kind: 'http' } }).at(1, 'machineCreated');
    life.at(2, 'report', { sequence: 4, connections: 2 });
    expect(life.state).toBe('booting');
    life.at(3, 'report', { sequence: 3, connections: 0 });
    life.at(4, 'machineReady', { usage: { sequence: 2, connections: 0 } });
    expect(life.serving.usage).toMatchObject({ sequence: 4, connections: 2, reportedAt: START + 2000 });
  });

  it('that was taken already changes nothing', () => {
    const life = Life.ready().at(20, 'report', { sequence: 7, connections: 1 });
    const { vm } = life;
    expect(life.at(21, 'report', { sequence: 7, connections: 0 }).vm).toBe(vm);
    expect(life.at(22, 'report', { sequence: 6, connections: 0 }).vm).toBe(vm);
  });

  it('is in the timeline only when the count changed', () => {
    const life = Life.ready().at(20, 'report', { sequence: 2, connections: 1 });
    expect(life.vm.timeline.at(-1)).toMatchObject({ kind: 'connections', detail: '1 connection' });
    const { length } = life.vm.timeline;
    expect(life.at(21, 'report', { sequence: 3, connections: 1 }).vm.timeline).toHaveLength(length);
  });
});

describe('the bootstrap secret', () => {
  it('is refused to another caller, to another machine and once the VM ends', () => {
    const life = new Life();
    const asks = (nonce: string, machineId = MACHINE_ID): boolean => canExchange(life.vm, { machineId, nonce });
    expect([asks('mine'), asks('other'), asks('mine', 'm-earlier')]).toEqual([true, true, false]);
    life.at(1, 'exchanged', { nonce: 'mine' });
    expect([asks('mine'), asks('other')]).toEqual([true, false]);
    life.at(2, 'destroyRequested');
    expect(asks('mine')).toBe(false);
    life.at(3, 'machineGone');
    expect(asks('mine')).toBe(false);
  });

  it('is refused to an instance of a cloud that is not known to be the machine', () => {
    const life = new Life();
    const asks = (instanceId: string): boolean =>
      canExchange(life.vm, { machineId: MACHINE_ID, nonce: 'a', instanceId });
    expect(asks('i-1'), 'nobody knows yet').toBe(false);
    life.at(1, 'machineCreated', { machine: { ...MACHINE, instanceId: 'i-1' } });
    expect([asks('i-1'), asks('i-2')]).toEqual([true, false]);
  });

  it('is exchanged for one caller only, who may ask again', () => {
    const life = new Life().at(1, 'exchanged', { nonce: 'mine' });
    expect(life.vm.exchangeNonce).toBe('mine');
    const { vm } = life;
    expect(life.at(2, 'exchanged', { nonce: 'mine' }).vm).toBe(vm);
    expect(life.at(3, 'exchanged', { nonce: 'other' }).vm).toBe(vm);
    expect(life.at(4, 'exchanged', { machineId: `${MACHINE_ID}x`, nonce: 'mine' }).vm).toBe(vm);
  });
});
