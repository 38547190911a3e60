import { describe, expect, it } from 'vitest';
import { STORM_CELLS, planStorm } from '../../test-support/storm/plan.ts';

const keyOf = ({ step, fault, when }: { step: string; fault: string | null; when: string }): string =>
  `${step} ${fault} ${when}`;

describe('the plan of a storm', () => {
  it('is the same for the same seed and another for others', () => {
    expect(planStorm(7, 100)).toEqual(planStorm(7, 100));
    expect(planStorm(7, 100)).not.toEqual(planStorm(8, 100));
  });

  it('begins alike however long it is, so a life of a long storm can be lived again', () => {
    expect(planStorm(7, 100).slice(0, 20)).toEqual(planStorm(7, 20));
  });

  it('has every step with every fault, and users to whom nothing may happen', () => {
    const steps = ['createMachine', 'awaitMachineReady', 'confirmUsage', 'tellDraining', 'probeMachine'];
    steps.push('stopMachine', 'startMachine', 'suspendMachine', 'resumeMachine', 'adoptMachine', 'snapshot', 'close');
    const faults = ['error', 'timeout', 'lostReply', 'duplicate', 'kill', 'cancel', 'terminate'];
    for (const step of [...steps, 'destroyMachine']) {
      for (const fault of faults) {
        expect(STORM_CELLS.some((cell) => cell.step === step && cell.fault === fault)).toBe(true);
      }
    }
    const plan = planStorm(1, 180);
    const planned = new Set(plan.map(keyOf));
    for (const cell of STORM_CELLS) expect(planned, keyOf(cell)).toContain(keyOf(cell));
    expect(plan.filter(({ fault }) => fault === null).length).toBe(30);
  });
});
