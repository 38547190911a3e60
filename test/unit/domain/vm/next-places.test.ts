import { describe, expect, it } from 'vitest';
import { MAX_PLACES_LOST } from '../../../../domain/vm/state.ts';
import { vmTransitionMetrics } from '../../../../domain/vm/metrics.ts';
import { Life, MACHINE } from '../../../../test-support/vm/vm-life.ts';

const detail = 'host rack-1 could not finish it';

describe('a VM whose create began on a host that cannot finish it', () => {
  it('asks for another machine under its name, within the same time', () => {
    const life = new Life().at(100, 'placeLost', { nextMachineId: 'm-second', detail });
    expect(life.state).toBe('creating');
    expect(life.vm).toMatchObject({ machineId: 'm-second', replacements: 0, exchangeNonce: null });
    expect(life.due).toEqual(['create', 900]);
    expect(life.vm.timeline.at(-1)?.detail).toBe(`instead of m-current: ${detail}`);
  });

  it('hears nothing of the machine that the host may have made', () => {
    const life = new Life().at(5, 'placeLost', { nextMachineId: 'm-second', detail });
    const before = life.vm;
    life.at(6, 'machineCreated').at(7, 'report', { connections: 2 }).at(8, 'placeLost').at(9, 'hostLost');
    expect(life.vm).toBe(before);
  });

  it(`gives up after ${String(MAX_PLACES_LOST)} hosts, with what the last one said`, () => {
    const life = new Life();
    for (let round = 0; round <= MAX_PLACES_LOST; round += 1) {
      const { machineId } = life.vm;
      life.at(round + 1, 'placeLost', { machineId, nextMachineId: `m-${round}`, detail: `round ${round}` });
    }
    expect([life.state, life.reason]).toEqual(['destroying', 'createFailed']);
    expect(life.vm.state).toMatchObject({ detail: `round ${MAX_PLACES_LOST}` });
  });

  it('that is destroyed meanwhile learns where its machine is, once', () => {
    const life = new Life()
      .at(5, 'destroyRequested')
      .at(6, 'machineCreated', { machine: { ...MACHINE, host: 'rack-1' } });
    expect(life.vm.state).toMatchObject({ name: 'destroying', machine: { host: 'rack-1' }, reason: 'requested' });
    const before = life.vm;
    expect(life.at(7, 'machineCreated').vm).toBe(before);
    expect(life.at(8, 'machineGone').state).toBe('destroyed');
  });
});

describe('a VM whose host is lost', () => {
  it('ends as lost, and says that the host was the cause; nobody waits for a destroy', () => {
    for (const life of [new Life().at(1, 'machineCreated'), Life.ready(), Life.ready().at(20, 'drain')]) {
      const before = life.vm;
      life.at(30, 'hostLost');
      expect([life.state, life.reason]).toEqual(['failed', 'lost']);
      expect(life.vm.state).toMatchObject({ detail: 'hostLost: the host host-1 is lost, and the machine with it' });
      expect(vmTransitionMetrics(before, life.vm).map(({ name }) => name)).toContain('ephemera_machines_lost_total');
    }
  });

  it('gets a machine elsewhere at once where it asks for that', () => {
    const life = Life.ready({ onLost: 'recreate' }).at(30, 'hostLost', { nextMachineId: 'm-second' });
    expect(life.state).toBe('creating');
    expect(life.vm).toMatchObject({ machineId: 'm-second', replacements: 1 });
  });

  it('that was being destroyed there ends with the reason that it had', () => {
    const life = Life.ready({ onLost: 'recreate' }).at(20, 'destroyRequested').at(30, 'hostLost');
    expect([life.state, life.reason]).toEqual(['destroyed', 'requested']);
  });

  it('is no VM that has another machine by now', () => {
    const life = Life.ready({ onLost: 'recreate' }).at(30, 'hostLost', { nextMachineId: 'm-second' });
    const before = life.vm;
    expect(life.at(31, 'hostLost').vm).toBe(before);
  });
});
