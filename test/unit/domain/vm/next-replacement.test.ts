import { describe, expect, it } from 'vitest';
import { apiVm, isEnding, type VmRecord } from '../../../../api/vms/seen/vm-record.ts';
import { MAX_REPLACEMENTS } from '../../../../domain/vm/state.ts';
import { vmView } from '../../../../domain/vm/view.ts';
import { Life, MACHINE } from '../../../../test-support/vm/vm-life.ts';

const replaceable = { onLost: 'recreate' } as const;
const lost = (): Life => Life.ready(replaceable).at(20, 'machineLost');

describe('a VM that asks for a new machine when it loses one', () => {
  it('destroys what is left first, then starts again under its name with another machine', () => {
    const life = lost();
    expect([life.state, life.reason]).toEqual(['destroying', 'lost']);
    life.at(30, 'machineGone', { nextMachineId: 'm-second' });
    expect(life.state).toBe('creating');
    expect(life.vm).toMatchObject({ machineId: 'm-second', replacements: 1, exchangeNonce: null });
    expect(life.vm.timeline.at(-1)?.detail).toContain('replaces m-current');
  });

  it('hears nothing of the lost machine any more', () => {
    const life = lost().at(30, 'machineGone', { nextMachineId: 'm-second' });
    const before = life.vm;
    life.at(31, 'report', { sequence: 99, connections: 4 }).at(32, 'machineLost').at(33, 'machineCreated');
    expect(life.vm).toBe(before);
    const second = { ...MACHINE, machineId: 'm-second' };
    life.at(34, 'machineCreated', { machine: second }).at(35, 'machineReady', { machineId: 'm-second' });
    expect(life.state).toBe('running');
  });

  it('ends all the same when somebody wishes so meanwhile, with that reason', () => {
    for (const [wish, reason] of [
      ['destroyRequested', 'requested'],
      ['cancelled', 'cancelled'],
    ] as const) {
      const life = lost().at(25, wish);
      expect([life.state, life.reason]).toEqual(['destroying', reason]);
      life.at(30, 'machineGone');
      expect([life.state, life.reason]).toEqual(['destroyed', reason]);
    }
  });

  it('is not replaced past its maximum lifetime', () => {
    const life = Life.ready({ ...replaceable, maxLifetimeSeconds: 60 })
      .at(50, 'machineLost')
      .at(70, 'machineGone');
    expect([life.state, life.reason]).toEqual(['destroyed', 'maxLifetime']);
  });

  it(`gives up after ${String(MAX_REPLACEMENTS)} replacements and ends as lost`, () => {
    const life = Life.ready(replaceable);
    for (let round = 0; round <= MAX_REPLACEMENTS; round += 1) {
      const at = 100 + round * 100;
      const { machineId } = life.vm;
      life.at(at, 'machineLost', { machineId }).at(at + 1, 'machineGone', { machineId, nextMachineId: `m-${round}` });
      const machine = { ...MACHINE, machineId: `m-${round}` };
      life.at(at + 2, 'machineCreated', { machine }).at(at + 3, 'machineReady', { machineId: machine.machineId });
    }
    expect([life.state, life.reason]).toEqual(['failed', 'lost']);
  });

  it('is no answer to a create while its last machine goes, and is one while another takes its place', () => {
    const seen = (life: Life): VmRecord => {
      const view = vmView(life.vm, life.vm.updatedAt);
      return { workflowId: 'vm/default/lobby', runId: 'r', closed: false, view, timeline: [] };
    };
    expect(isEnding(seen(lost()))).toBe(false);
    const last = lost();
    last.vm = { ...Life.ready(replaceable).vm, replacements: MAX_REPLACEMENTS };
    last.at(20, 'machineLost');
    expect([last.state, last.reason, isEnding(seen(last))]).toEqual(['destroying', 'lost', true]);
    expect(apiVm(seen(last), { uiUrl: null, namespace: 'n' })).not.toHaveProperty('replaced');
  });

  it('does not replace a machine that never became ready', () => {
    const life = new Life(replaceable).at(1, 'machineCreated').at(2, 'notReady').at(3, 'machineGone');
    expect([life.state, life.reason]).toEqual(['failed', 'notReady']);
  });
});

describe('a machine that the provider took back', () => {
  const taken = { cause: 'preempted' } as const;
  const busy = (choices = {}): Life => Life.ready(choices).at(20, 'report', { sequence: 2, connections: 1 });
  const ways = [
    ['is told of', (choices = {}) => Life.ready(choices).at(20, 'machineLost', taken)],
    [
      'is found gone when its agent is silent',
      (choices = {}) =>
        busy(choices)
          .until(320)
          .at(321, 'probed', { alive: false, ...taken }),
    ],
    ['was taken while it booted', (choices = {}) => new Life(choices).at(1, 'machineCreated').at(2, 'notReady', taken)],
    ['was taken while it was made', (choices = {}) => new Life(choices).at(1, 'createFailed', taken)],
  ] as const;

  it.each(ways)('%s: the VM ends as preempted', (_way, ending) => {
    const life = ending();
    expect([life.state, life.reason]).toEqual(['destroying', 'preempted']);
    life.at(400, 'machineGone');
    expect([life.state, life.reason]).toEqual(['failed', 'preempted']);
  });

  it.each(ways)('%s: the VM gets a new one when it asks for that', (_way, ending) => {
    const life = ending(replaceable).at(400, 'machineGone', { nextMachineId: 'm-second' });
    expect([life.state, life.vm.machineId]).toEqual(['creating', 'm-second']);
    expect(life.vm.timeline.at(-1)?.detail).toContain('replaces m-current, which was preempted (1 of');
    expect(life.vm.timeline.map(({ reason }) => reason)).toContain('preempted');
  });

  it('counts among the replacements, so that a VM does not cost for ever', () => {
    const life = Life.ready(replaceable);
    for (let round = 0; round <= MAX_REPLACEMENTS; round += 1) {
      const { machineId } = life.vm;
      const at = 100 + round * 10;
      if (round === 0) life.at(at, 'machineLost', taken);
      else life.at(at, 'createFailed', taken);
      life.at(at + 1, 'machineGone', { machineId, nextMachineId: `m-${round}` });
    }
    expect([life.state, life.reason]).toEqual(['failed', 'preempted']);
  });
});

describe('a VM that does not ask for it', () => {
  it('ends as lost', () => {
    const life = Life.ready().at(20, 'machineLost').at(30, 'machineGone');
    expect([life.state, life.reason]).toEqual(['failed', 'lost']);
  });
});
