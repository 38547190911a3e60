import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_END_REASON } from '../../../../domain/vm/deadlines.ts';
import { AgentModel, agentStep } from '../../../../test-support/vm/agent-model.ts';
import { specChoices } from '../../../../test-support/vm/random-vms.ts';

describe('a VM with a truthful agent', () => {
  const emptyEnds: string[] = Object.values(EMPTY_END_REASON);

  it('is never ended as empty while somebody has been there since before the question', () => {
    let endedAsEmpty = 0;
    fc.assert(
      fc.property(specChoices, fc.array(agentStep, { maxLength: 80, size: 'max' }), (choices, steps) => {
        const model = new AgentModel(choices);
        for (const step of steps) {
          model.step(step);
          const { state } = model.vm;
          if (state.name !== 'destroying') continue;
          if (!emptyEnds.includes(state.reason)) return;
          endedAsEmpty += 1;
          expect(model.askedAt).not.toBeNull();
          expect(model.busySince === null || model.busySince >= model.askedAt!).toBe(true);
          return;
        }
      }),
      { numRuns: 1500 },
    );
    // The property says something only if such ends are reached at all.
    expect(endedAsEmpty).toBeGreaterThan(50);
  });
});
