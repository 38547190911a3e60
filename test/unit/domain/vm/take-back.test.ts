import { describe, expect, it, vi } from 'vitest';
import { isOnOffer, reusable, takesReset, type Rung } from '../../../../domain/pool/reuse.ts';
import type { Reuse } from '../../../../domain/template/state.ts';
import { canBeTakenBack } from '../../../../domain/vm/take-back.ts';
import { vmView, type VmView } from '../../../../domain/vm/view.ts';
import { Life, specOf, START, unnamed, type SpecChoices } from '../../../../test-support/vm/vm-life.ts';

const at = (seconds: number): number => START + seconds * 1000;
const ready = (choices: SpecChoices = {}): Life => unnamed(Life.ready(choices));
const users = (connections: number, sequence = 5) => ({ sequence, connections });
const draining = (connections = 1, choices: SpecChoices = {}): Life =>
  ready(choices).at(20, 'report', users(connections)).at(30, 'drain');

describe('a VM that drains and is given to another create', () => {
  it('serves on with the users that are in it, admits newcomers again, and says what it was', () => {
    const life = draining(2).at(40, 'takenBack');
    expect(life.serving).toMatchObject({ name: 'running', drainNotice: 'pending', usage: { connections: 2 } });
    expect(vmView(life.vm, at(40))).toMatchObject({ state: 'running', startedFrom: 'drained', connections: 2 });
    expect(life.at(50, 'report', users(0, 6)).due).toEqual(['idle', 150]);
  });

  it('gives who was given it as much time to come as a new one, also while the end of the drain is being confirmed', () => {
    const life = draining(0);
    expect(life.serving.confirmation).toBeNull();
    life.until(30);
    expect(life.serving.confirmation?.reason).toBe('drained');
    life.at(31, 'takenBack');
    expect(life.serving).toMatchObject({ confirmation: null, usage: { everUsed: false } });
    expect(life.due).toEqual(['neverConnected', 231]);
    expect(life.at(32, 'confirmAnswered', users(0, 9)).state).toBe('running');
  });

  it('is given to one create alone, and to the same one again', () => {
    const { vm } = draining().at(40, 'takenBack', { claim: 'c-1' });
    expect(canBeTakenBack(vm, { claim: 'c-1', reset: false, at: at(41) })).toBe(true);
    expect(canBeTakenBack(vm, { claim: 'c-2', reset: false, at: at(41) })).toBe(false);
  });

  it('may be given again when it drains again', () => {
    const life = draining().at(40, 'takenBack', { claim: 'c-1' }).at(50, 'drain').at(60, 'takenBack', { claim: 'c-2' });
    expect([life.state, life.vm.claim]).toEqual(['running', 'c-2']);
  });

  it.each([
    ['whose name somebody chose', Life.ready().at(20, 'report', users(1)).at(30, 'drain')],
    ['that runs', ready().at(20, 'report', users(1))],
    ['that ends', draining().at(40, 'destroyRequested')],
    ['that stops', draining().at(40, 'stopRequested', { force: true })],
    ['whose count nobody knows', ready().at(20, 'report', users(1)).at(30, 'drain').until(400)],
    ['that is about to reach its longest life', draining(1, { maxLifetimeSeconds: 230 })],
    ['that is to end once it is empty', draining(1, { softLifetimeSeconds: 230 })],
  ])('is none %s', (_, { vm }) => {
    expect(canBeTakenBack(vm, { claim: 'c-1', reset: false, at: at(40) })).toBe(false);
  });
});

describe('a VM that is given to another create without what was in it', () => {
  const empty = (): Life => draining(0, { idle: { action: 'none' } }).at(31, 'drainingNotified');
  const stopped = (): Life => ready().at(30, 'stopRequested').at(40, 'machineStopped');
  const wish = { reset: true } as const;

  it('stops, is reset, starts again and says what it was; nothing of its last life shows', () => {
    const life = empty().at(40, 'takenBack', wish);
    expect(vmView(life.vm, at(40))).toMatchObject({ state: 'stopping', startsAgain: true, startedFrom: 'drained' });
    expect(vmView(life.vm, at(40))).not.toHaveProperty('readyAt');
    life.at(50, 'machineStopped');
    expect([life.state, life.vm.reset]).toEqual(['starting', 'drained']);
    life.at(60, 'machineStarted');
    expect([life.state, life.vm.reset]).toEqual(['booting', undefined]);
    life.at(61, 'report', { sequence: 900, sentAt: at(39), connections: 3 });
    expect(life.state).toBe('booting');
    life.at(70, 'machineReady', { usage: users(0, 1) });
    expect(vmView(life.vm, at(70))).toMatchObject({ state: 'running', startedFrom: 'drained', connections: 0 });
    expect(life.serving.usage?.everUsed).toBe(false);
  });

  it('starts where it was stopped', () => {
    const life = stopped().at(50, 'takenBack', wish);
    expect([life.state, life.vm.reset]).toEqual(['starting', 'stopped']);
    life.at(60, 'machineStarted').at(70, 'machineReady', { usage: users(0, 1) });
    expect(vmView(life.vm, at(70))).toMatchObject({ state: 'running', startedFrom: 'stopped' });
  });

  it('ends when its start fails, for there is nothing in it that anybody wants', () => {
    const failed = [
      stopped().at(50, 'takenBack', wish).at(60, 'startFailed'),
      stopped().at(50, 'takenBack', wish).until(2000),
      stopped().at(50, 'takenBack', wish).at(60, 'machineStarted').at(70, 'notReady'),
      stopped().at(50, 'takenBack', wish).at(60, 'machineStarted').until(300),
    ];
    for (const life of failed) expect([life.state, life.reason]).toEqual(['destroying', 'notReady']);
  });

  it('is reset by whichever start comes, when somebody stops it before it was', () => {
    const life = stopped().at(50, 'takenBack', wish).at(55, 'stopRequested').at(60, 'machineStopped');
    expect([life.state, life.vm.reset]).toEqual(['stopped', 'stopped']);
    expect([life.at(70, 'startRequested').state, life.vm.reset]).toEqual(['starting', 'stopped']);
  });

  it('keeps what is on its disk from then on: a start by its name loses nothing', () => {
    const life = stopped().at(50, 'takenBack', wish).at(60, 'machineStarted').at(70, 'machineReady');
    life.at(80, 'stopRequested').at(90, 'machineStopped').at(100, 'startRequested');
    expect([life.state, life.vm.reset, life.vm.startedFrom]).toEqual(['starting', undefined, 'stopped']);
  });

  it('is held no more: who had it before held what is gone', () => {
    for (const life of [
      draining(0, { idle: { action: 'none' } }).at(31, 'drainingNotified'),
      ready().at(30, 'stopRequested').at(31, 'machineStopped'),
    ]) {
      life.at(32, 'hold', { seconds: 5000 }).at(40, 'takenBack', wish);
      expect([life.vm.claim, life.vm.holdUntil]).toEqual(['c-1', null]);
    }
  });

  it('is given to one create alone, and to the same one again while it starts', () => {
    const { vm } = stopped().at(50, 'takenBack', { ...wish, claim: 'c-1' });
    expect(canBeTakenBack(vm, { claim: 'c-1', reset: true, at: at(51) })).toBe(true);
    expect(canBeTakenBack(vm, { claim: 'c-2', reset: true, at: at(51) })).toBe(false);
  });

  it.each<[string, Life]>([
    ['with users', draining(1).at(31, 'drainingNotified')],
    ['whose agent may still let somebody in', draining(0, { idle: { action: 'none' } })],
    [
      'whose agent could not be told to let nobody in',
      draining(0, { idle: { action: 'none' } }).at(31, 'drainingNotified', { unheard: true }),
    ],
    [
      'of which nobody ever counted the users',
      ready({ readiness: { kind: 'tcp' }, idle: { action: 'none' } }).at(30, 'drain'),
    ],
    ['whose name somebody chose', Life.ready().at(30, 'stopRequested').at(40, 'machineStopped')],
    ['on a host that is lost', stopped().at(41, 'hostLost')],
    ['that starts', stopped().at(41, 'startRequested')],
  ])('is none %s', (_, { vm }) => {
    expect(canBeTakenBack(vm, { claim: 'c-1', reset: true, at: at(45) })).toBe(false);
    expect(canBeTakenBack(stopped().vm, { claim: 'c-1', reset: true, at: at(45) })).toBe(true);
  });

  it('is none that is stopped, where what is in it would stay', () => {
    expect(canBeTakenBack(stopped().vm, { claim: 'c-1', reset: false, at: at(45) })).toBe(false);
  });
});

const template = { name: 'arena', version: 2 };
const view = (name: string, life: Life): VmView => ({ ...vmView(life.vm, at(40)), name });
const ofArena = (connections: number, choices: SpecChoices = {}): Life =>
  draining(connections, { template, ...choices });
const CIRCUMSTANCES = { now: at(40), closedHosts: new Set(['host-9']) };
const chosen = (vms: VmView[], reuse: Reuse = 'shared', spec = specOf({ template })): string[] =>
  reusable(vms, 'draining', { spec, reuse, canReset: true }, CIRCUMSTANCES).map(({ name }) => name);

describe('which VM a create without a name may have', () => {
  it('is one with fewer users before one with more', () => {
    expect(chosen([view('three', ofArena(3)), view('one', ofArena(1)), view('two', ofArena(2))])).toEqual([
      ...['one', 'two', 'three'],
    ]);
  });

  it('is the younger one of two alike, whatever their order', () => {
    const [old, young] = [view('old', ofArena(1)), view('young', ofArena(1))];
    young.createdAt = new Date(START + 5000).toISOString();
    expect(chosen([old, young])).toEqual(['young', 'old']);
    expect(chosen([young, old])).toEqual(['young', 'old']);
  });

  it.each<[why: string, life: Life]>([
    ['another version of the template', ofArena(1, { template: { name: 'arena', version: 1 } })],
    ['another template', ofArena(1, { template: { name: 'lobby', version: 2 } })],
    ['no template', draining(1)],
    ['variables of its own', ofArena(1, { env: { A: '1' } })],
    ['secrets', ofArena(1, { sealed: { secretEnvNames: ['TOKEN'], startupScript: false } })],
    ['another size', ofArena(1, { cpus: 2 })],
    ['a name that somebody chose', Life.ready({ template }).at(20, 'report', users(1)).at(30, 'drain')],
    ['no drain', ready({ template }).at(20, 'report', users(1))],
    ['a silent agent', ofArena(1).until(400)],
    ['too little of its life left', ofArena(1, { maxLifetimeSeconds: 230 })],
  ])('is none with %s', (_, life) => {
    expect(chosen([view('it', life)], 'shared', life.vm.spec.sealed ? life.vm.spec : undefined)).toEqual([]);
  });

  it('is none on a host that is being emptied', () => {
    expect(chosen([{ ...view('it', ofArena(1)), host: 'host-9' }])).toEqual([]);
  });

  it('is none where the template does not say so', () => {
    expect(chosen([view('it', ofArena(1))], 'none')).toEqual([]);
    expect(chosen([view('it', ofArena(1))])).toEqual(['it']);
  });

  it('does not depend on the order of the fields of a spec, nor on what is left out', () => {
    const spec = specOf({ template });
    const turned = Object.fromEntries(Object.entries(spec).reverse()) as unknown as typeof spec;
    expect(chosen([view('it', ofArena(1))], 'shared', { ...turned, description: undefined })).toEqual(['it']);
  });

  it('is looked for among many without reading their specs again for each create', () => {
    const vms = Array.from({ length: 50 }, (_, index) => view(`vm-${index}`, ofArena(1)));
    expect(chosen(vms)).toHaveLength(50);
    const written = vi.spyOn(JSON, 'stringify');
    try {
      for (let create = 0; create < 20; create += 1) chosen(vms);
      expect(written.mock.calls.length).toBeLessThanOrEqual(20);
    } finally {
      written.mockRestore();
    }
  });

  it('is kept at hand by a replica only while it is on offer', () => {
    expect(isOnOffer(view('it', ofArena(1)))).toBe(true);
    expect(isOnOffer(view('it', ofArena(1).at(35, 'takenBack')))).toBe(false);
  });

  const stoppedArena = view('stopped', ready({ template }).at(20, 'stopRequested').at(30, 'machineStopped'));
  const rungs = [view('busy', ofArena(1)), view('empty', ofArena(0, { idle: { action: 'none' } })), stoppedArena];
  const spec = { ...specOf({ template }) };

  it.each<[Reuse, canReset: boolean, draining: string[], stopped: string[]]>([
    ['none', true, [], []],
    ['empty', true, ['empty'], ['stopped']],
    ['shared', true, ['empty', 'busy'], ['stopped']],
    ['empty', false, [], []],
    ['shared', false, ['empty', 'busy'], []],
  ])(
    'is, with reuse: %s and a provider that resets: %s, of those that drain %j, and of those that are stopped %j',
    (reuse, canReset, ...found) => {
      const same = rungs.map((one) => ({ ...one, spec }));
      const names = (['draining', 'stopped'] as const).map((rung) =>
        reusable(same, rung, { spec, reuse, canReset }, CIRCUMSTANCES).map(({ name }) => name),
      );
      expect(names).toEqual(found);
    },
  );

  it.each<[Rung, Reuse, boolean]>([
    ['draining', 'shared', false],
    ['draining', 'empty', true],
    ['stopped', 'shared', true],
    ['stopped', 'empty', true],
  ])('is, where it is %s and reuse is %s, reset first: %s', (rung, reuse, reset) => {
    expect(takesReset(rung, { reuse })).toBe(reset);
  });
});
